"""A SQLite layer that never lies: what it answers as stored is stored, and what is not stored is said plainly."""

from db.cache import Known
from db.erasure import Erased
from db.error_log import ErrorRecord
from db.errors import (
    BadDataDirectory,
    ConnectionLost,
    ConstraintViolated,
    CorruptionDetected,
    DatabaseError,
    DatabaseLocked,
    DeadlineExceeded,
    ErrorType,
    ForeignDatabase,
    MigrationFailed,
    NewerSchema,
    QueryFailed,
    SchemaMismatch,
    Severity,
    StartupError,
    TransactionFailed,
    Unavailable,
    new_error_id,
)
from db.events import Event, EventKind
from db.exporting import Exported, ExportRefused
from db.inspection import Inspection, inspect_database
from db.manager import DatabaseManager
from db.metrics import Percentiles, Work
from db.modes import Mode
from db.opening import open_database
from db.operations import Context, Operation, Priority, Query, operation, query
from db.preservation import Preserved
from db.results import Outcome, Rejected, ResultNotOk, WriteResult
from db.settings import DatabaseSettings
from db.slow import SlowStatement
from db.snapshot import ForbiddenStatement, Snapshot
from db.status import BackupState, ConnectionState, Probe, Status
from db.transaction import Transaction
from db.values import JSON, ParameterError
from db.verification import JournalReport
from db.waiting import Waiting

__all__ = [
    "JSON",
    "BackupState",
    "BadDataDirectory",
    "ConnectionLost",
    "ConnectionState",
    "ConstraintViolated",
    "Context",
    "CorruptionDetected",
    "DatabaseError",
    "DatabaseLocked",
    "DatabaseManager",
    "DatabaseSettings",
    "DeadlineExceeded",
    "Erased",
    "ErrorRecord",
    "ErrorType",
    "Event",
    "EventKind",
    "ExportRefused",
    "Exported",
    "ForbiddenStatement",
    "ForeignDatabase",
    "Inspection",
    "JournalReport",
    "Known",
    "MigrationFailed",
    "Mode",
    "NewerSchema",
    "Operation",
    "Outcome",
    "ParameterError",
    "Percentiles",
    "Preserved",
    "Priority",
    "Probe",
    "Query",
    "QueryFailed",
    "Rejected",
    "ResultNotOk",
    "SchemaMismatch",
    "Severity",
    "SlowStatement",
    "Snapshot",
    "StartupError",
    "Status",
    "Transaction",
    "TransactionFailed",
    "Unavailable",
    "Waiting",
    "Work",
    "WriteResult",
    "inspect_database",
    "new_error_id",
    "open_database",
    "operation",
    "query",
]

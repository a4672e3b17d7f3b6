"""The Discord client: strict loading of cogs, command sync, a presence that shows the database's mode."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands
from loguru import logger

from bot import endings, permissions
from bot.announcer import Announcer
from bot.config import Config
from bot.exits import StartFailure
from bot.funnel import Tree, answer_orphan
from bot.permissions import AdminRoles
from db import DatabaseManager, Mode

_MODE_SHOWN = {
    Mode.READ_ONLY: "read-only: nothing can be changed now",
    Mode.OFFLINE: "limited: the database is away",
    Mode.RECOVERING: "limited: recovering",
}

# Discord sends guilds one by one after READY and says nothing when it is done; the sandbox has them at once.
SANDBOX_GUILD_TIMEOUT_S = 0.05

# Some minutes after the start: a process that restarts every night would else never come to it.
_FIRST_CLEAN_UP_S = 300.0
_DAY_S = 24 * 3600.0


class Rollcall(commands.Bot):
    """What cogs get as `bot`: the database, the current configuration, and who is an admin where."""

    def __init__(self, config: Config, db: DatabaseManager, *, discord_socket: Path | None = None) -> None:
        """Needs a running loop. With `discord_socket`, Discord is what listens on that unix socket."""
        # Each would be a warning at every start about a feature that this bot has no use for.
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        local: dict[str, Any] = {}
        if discord_socket is not None:
            local["connector"] = aiohttp.UnixConnector(str(discord_socket), limit=0)
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=Tree,
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            guild_ready_timeout=SANDBOX_GUILD_TIMEOUT_S if discord_socket else config.bot.guild_ready_timeout_s,
            **local,
        )
        self.config = config
        self.db = db
        self.admin_roles = AdminRoles()
        self.announcer = Announcer(self, db)
        self.endings = endings.Endings()
        self.announcer.renderers.register(endings.KIND, self.endings)
        self.started_at = time.time()
        self.connected = asyncio.Event()
        self._mode_changed = asyncio.Event()
        self._mode_shown = Mode.READ_WRITE
        self._tasks: set[asyncio.Task[None]] = set()

    async def setup_hook(self) -> None:
        for name in self.config.bot.cogs:
            await self._load(name)
        self._check_permission_matrix()
        await self._sync()
        self._start(self._keep_presence(), "presence")
        self._start(self.announcer.run(), "announcements")
        self._start(self._clean_up_daily(), "clean-ups")

    async def _load(self, name: str) -> None:
        try:
            await self.load_extension(f"cogs.{name}")
        except commands.ExtensionError as error:
            cause = error.original if isinstance(error, commands.ExtensionFailed) else error
            logger.opt(exception=cause).debug("cog {} did not load", name)
            raise StartFailure(f"the cog {name} does not load: {_one_line(cause)}", os.EX_SOFTWARE) from error

    def _check_permission_matrix(self) -> None:
        names = [c.qualified_name for c in self.tree.walk_commands() if isinstance(c, app_commands.Command)]
        if problems := permissions.mismatches(names, self.config.bot.cogs):
            raise StartFailure("; ".join(problems), os.EX_SOFTWARE)

    async def _sync(self) -> None:
        """Tell Discord which commands there are: to the named guilds at once, else everywhere."""
        guilds = self.config.bot.guilds
        for guild_id in guilds:
            guild = discord.Object(guild_id)
            self.tree.copy_global_to(guild=guild)
            await self.tree.sync(guild=guild)
        if not guilds:
            await self.tree.sync()

    async def _keep_presence(self) -> None:
        """Show the mode whenever it changes. A task of its own: a listener of the database must not wait."""
        unsubscribe = self.db.subscribe(lambda _event: self._mode_changed.set())
        try:
            await self.wait_until_ready()
            while await self._mode_changed.wait():
                self._mode_changed.clear()
                if self.db.mode is not self._mode_shown:
                    self._mode_shown = self.db.mode
                    await self._show(self._mode_shown)
        finally:
            unsubscribe()

    async def _clean_up_daily(self) -> None:
        await asyncio.sleep(_FIRST_CLEAN_UP_S)
        while True:
            await self.db.cleanups.run()
            await asyncio.sleep(_DAY_S)

    async def _show(self, mode: Mode) -> None:
        if mode is Mode.READ_WRITE:
            await self.change_presence(status=discord.Status.online)
        else:
            activity = discord.CustomActivity(_MODE_SHOWN[mode])
            await self.change_presence(status=discord.Status.idle, activity=activity)

    async def on_ready(self) -> None:
        self.connected.set()
        # A new session begins with the plain presence, whatever the last one showed.
        self._mode_shown = Mode.READ_WRITE
        self._mode_changed.set()
        logger.info("ready as {} in {} servers", self.user, len(self.guilds))

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        if interaction.type in {discord.InteractionType.component, discord.InteractionType.modal_submit}:
            await answer_orphan(interaction)

    async def on_error(self, event_method: str, /, *_args: Any, **_kwargs: Any) -> None:
        logger.exception("handling {} failed", event_method)

    async def drain(self, within_s: float) -> None:
        """Begin no further command, and give those under way this long to finish and to answer."""
        assert isinstance(self.tree, Tree)
        await self.tree.drain(within_s)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await super().close()

    def _start(self, coroutine: Any, name: str) -> None:
        task: asyncio.Task[None] = asyncio.create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__

"""A loopback Discord: REST, gateway and CDN on a unix socket, a page and a control API on 127.0.0.1.

The unmodified discord.py connects to it, and nothing leaves the machine. It is strict: what Discord would
refuse is refused here, in Discord's own error JSON, and remembered among the problems.
"""

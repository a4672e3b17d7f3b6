"""What several features show: embeds, pages, confirmation."""

"""The command line of analysts: commands of `leaderboard` itself. What they need is imported when one runs."""

import typer

analysis_app = typer.Typer()

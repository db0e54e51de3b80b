"""What a profile asks that changes nothing: its identity and its polls, as harmless questions.

A profile's name and one's own folder in; Questions out. Raises ProfileError.
"""

from pathlib import Path

from kleinmaelzung_agent.profiles import profile_files
from kleinmaelzung_agent.profiles.profile_files import ProfileError
from kleinmaelzung_agent.trying.search import Question

__all__ = ["ProfileError", "questions"]


def questions(name: str, own: Path | None) -> list[Question]:
    """Only of profiles that speak in lines: the others need no finding out."""
    profile = profile_files.find(name, profile_files.folders(own))
    if profile.driver not in ("text", "scpi"):
        raise ProfileError(
            f"profile {name} is for the driver {profile.driver}: `try` is for instruments that send text"
        )
    settings = profile.filled({}).settings
    end = settings.get("terminator", "\n" if profile.driver == "scpi" else "\r\n")
    identity = settings.get("identity", {})
    asked = [identity.get("send", "")] if isinstance(identity, dict) else []
    asked += [poll.get("send", "") for poll in settings.get("poll", []) if isinstance(poll, dict)]
    return [Question(text, end, f"asked by profile {name}") for text in asked if text]

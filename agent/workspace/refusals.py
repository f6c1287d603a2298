"""Faults of the people API as sentences a person can act on."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from agent.workspace.errors import Refused, Unanswered
from agent.workspace.identity import BOT_NAME

SENTENCES = {
    "channel_not_found": "There is no such channel, or you are not in it.",
    "user_not_found": "There is no such person in this workspace.",
    "message_not_found": "This message is not there any more.",
    "thread_not_found": "This thread is not there any more.",
    "not_in_channel": "Join the channel first.",
    "element_not_found": "This was changed meanwhile; look again.",
    "invalid_choice": "This cannot be chosen here.",
    "not_found": "This dialog is closed already.",
    "file_not_found": "There is no such file.",
    "no_text": "There is nothing to send.",
    "name_taken": "This name is taken.",
    "unknown_command": "There is no such command.",
    "session_not_processing": "There is nothing to stop here.",
    "request_too_large": "This file is too large.",
}
STATUS = {"request_too_large": 413}


def answered(ask: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """A route whose refusals become HTTP 4xx, and 504 where the app did not answer."""

    async def answer(request: Request) -> Response:
        try:
            return await ask(request)
        except Refused as refusal:
            sentence = (
                refusal.messages[0] if refusal.messages else SENTENCES.get(refusal.code, f"Refused: {refusal.code}.")
            )
            status = STATUS.get(refusal.code, 404 if refusal.code.endswith("not_found") else 400)
            return JSONResponse({"ok": False, "error": refusal.code, "message": sentence}, status_code=status)
        except Unanswered as fault:
            sentence = f"{BOT_NAME} did not answer ({fault}). Is it running?"
            return JSONResponse({"ok": False, "error": "no_answer", "message": sentence}, status_code=504)

    return answer

"""`teller ask` and `teller chat`: a customer's turns through the running gateway."""

import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from app.cli.errors import CommandFailed
from app.cli.gateway import Conversation, Gateway, OpenSessions
from app.cli.output import Json, emit
from app.cli.rooms import load_settings

ASK_FIELDS = ("turn", "reply", "decision", "intent", "confidence", "article", "candidates", "owner", "timings_ms")

Session = Annotated[
    str | None, typer.Option("--session", help="Go on with this conversation; an unknown name begins one.")
]
Channel = Annotated[str, typer.Option("--channel", help="The channel to come in by.")]


def ask(
    text: Annotated[str, typer.Argument(help="What the customer says.")],
    session: Session = None,
    channel: Channel = "web",
    json: Json = False,
) -> None:
    """Send one turn through the running gateway and print the answer."""
    conversation = _conversation(session, channel)
    emit(_turn(conversation, text=text), json, _print_turn)


def chat(session: Session = None, channel: Channel = "web", json: Json = False) -> None:
    """Talk with the bot: a line is a turn, a number picks a candidate, /human asks for a person, /quit ends."""
    conversation = _conversation(session, channel)
    if json:
        emit([_turn(conversation, text=line.strip()) for line in sys.stdin if line.strip()], True, print)
        return
    if conversation.greeting:
        _print_greeting(conversation.greeting)
    _Chat(conversation).run()


def _conversation(name: str | None, channel: str) -> Conversation:
    if name is not None and not name.strip():
        raise CommandFailed("--session needs a name", code="wrong_use", exit_code=2)
    settings = load_settings()
    return Conversation(
        Gateway(settings.app_url), OpenSessions(settings.data_dir / "cli" / "sessions.json"), name, channel
    )


def _turn(conversation: Conversation, **content: str) -> dict[str, Any]:
    answer = conversation.say(**content)
    return {"session": conversation.name, **{field: answer.get(field) for field in ASK_FIELDS}}


def _print_turn(turn: dict[str, Any]) -> None:
    for text in turn["reply"] or []:
        _print_markdown(text)
    print()
    confidence = turn["confidence"]
    facts = [f"decision {turn['decision']}", f"intent {turn['intent']}"]
    facts += [f"confidence {confidence:.3f}"] if isinstance(confidence, float | int) else []
    facts += [f"article {turn['article']}"] if turn["article"] else []
    facts += [f"owner {turn['owner']}", f"session {turn['session']}"]
    print(" · ".join(facts))
    for candidate in turn["candidates"] or []:
        print(f"  {candidate['score']:.3f}  {candidate['key']}")
    if turn["timings_ms"]:
        print(" · ".join(f"{stage} {milliseconds:.0f} ms" for stage, milliseconds in turn["timings_ms"].items()))


def _print_markdown(text: str) -> None:
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text))


def _print_greeting(greeting: dict[str, Any]) -> None:
    _print_markdown(str(greeting.get("text", "")))
    for topic in greeting.get("topics", []):
        print(f"  · {topic['question']}")


class _Chat:
    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.candidates: list[dict[str, Any]] = []
        self.shown = 0  # the number of the last message shown

    def run(self) -> None:
        """Turns until the end of input, /quit or Ctrl-C."""
        for line in _typed_lines():
            if line == "/quit":
                return
            self._take(line)
            self._show_new()

    def _take(self, line: str) -> None:
        if not line:
            return  # only look whether somebody wrote
        if line == "/human":
            self.conversation.gateway.hand_off(self.conversation.session, self.conversation.token)
        elif line.isdigit() and 1 <= int(line) <= len(self.candidates):
            self.conversation.say(pick=self.candidates[int(line) - 1]["key"])
        else:
            self.conversation.say(text=line)

    def _show_new(self) -> None:
        conversation = self.conversation
        for message in conversation.gateway.messages(conversation.session, conversation.token, self.shown):
            self.shown = max(self.shown, message["seq"])
            if message["sender"] != "customer":
                self._show(message)

    def _show(self, message: dict[str, Any]) -> None:
        if message["sender"] == "agent":
            print(f"[{message.get('name') or '人工客服'}]")
        _print_markdown(message["text"])
        self.candidates = message.get("candidates") or []
        for number, candidate in enumerate(self.candidates, start=1):
            print(f"  {number}. {candidate['question']}")


def _typed_lines() -> Iterator[str]:
    prompt = "> " if sys.stdin.isatty() else ""
    while True:
        try:
            yield input(prompt).strip()
        except EOFError:
            return

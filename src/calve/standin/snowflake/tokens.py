"""Reads the statements that the stand-in models, word by word.

A reader either consumes what a grammar expects or raises the syntax error that Snowflake would; it never skips
a word. `end()` closes every grammar, so a trailing clause cannot slip through.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from calve.standin.snowflake import failures

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|//[^\n]*|/\*.*?\*/)
    |(?P<string>'(?:[^'\\]|''|\\.)*'|\$\$.*?\$\$)
    |(?P<quoted>"(?:[^"]|"")+")
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<word>[A-Za-z_][\w$]*)
    |(?P<symbol>->|=>|::|<>|!=|<=|>=|\|\||.)""",
    re.VERBOSE | re.DOTALL,
)

_LITERALS = {"NULL", "TRUE", "FALSE"}

_MOST_PARTS = 3

Value = str | bool | None | list["Value"] | dict[str, "Value"]


@dataclass(frozen=True)
class Token:
    """One word, string, number or symbol and where it stands."""

    kind: str
    text: str
    start: int
    end: int


def tokens_of(sql: str) -> list[Token]:
    """Split a statement into tokens without white space and comments."""
    found = (match for match in _TOKEN.finditer(sql) if match.lastgroup != "space")
    return [Token(str(match.lastgroup), match.group(), match.start(), match.end()) for match in found]


class Reader:
    """Walks over one statement."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self._tokens = tokens_of(sql)
        while self._tokens and self._tokens[-1].text == ";":
            self._tokens.pop()
        self._at = 0

    @property
    def done(self) -> bool:
        """Whether nothing is left."""
        return self._at >= len(self._tokens)

    def peek(self, *words: str) -> bool:
        """Tell whether the next words or symbols are these."""
        ahead = self._tokens[self._at : self._at + len(words)]
        return [token.text.upper() for token in ahead if token.kind not in {"string", "quoted"}] == list(words)

    def accept(self, *words: str) -> bool:
        """Consume these words if they come next."""
        if not self.peek(*words):
            return False
        self._at += len(words)
        return True

    def expect(self, *words: str) -> None:
        """Consume these words.

        Raises:
            SqlError: Something else comes next.
        """
        if not self.accept(*words):
            raise self.unexpected()

    def choose(self, *options: str) -> str:
        """Consume the first of these phrases that comes next and return it."""
        for option in options:
            if self.accept(*option.split()):
                return option
        raise self.unexpected()

    def identifier(self) -> str:
        """Consume one identifier; unquoted ones are in upper case, as Snowflake stores them."""
        token = self._take("word", "quoted")
        return token.text[1:-1].replace('""', '"') if token.kind == "quoted" else token.text.upper()

    def name(self) -> tuple[str, ...]:
        """Consume a name of one to three parts."""
        parts = [self.identifier()]
        while self.accept("."):
            parts.append(self.identifier())
        if len(parts) > _MOST_PARTS:
            msg = f"Identifier '{'.'.join(parts)}' has too many parts; give at most three."
            raise failures.invalid(msg)
        return tuple(parts)

    def string(self) -> str:
        """Consume one string literal and return its value."""
        return _unquoted(self._take("string").text)

    def number(self) -> int:
        """Consume one whole number."""
        return int(self._take("number").text)

    def name_or_string(self) -> str:
        """Consume the name of an account-level object, written as identifier or as string."""
        if self._kind() == "string":
            return self.string().upper()
        return self.identifier()

    def value(self) -> Value:
        """Consume a property's value: a literal, a word, a list, or a list of properties."""
        if self.accept("("):
            return self._list()
        token = self._take("string", "word", "number", "quoted")
        if token.kind == "string":
            return _unquoted(token.text)
        if token.kind == "word" and token.text.upper() in _LITERALS:
            return {"NULL": None, "TRUE": True, "FALSE": False}[token.text.upper()]
        return token.text if token.kind == "number" else token.text.upper().strip('"')

    def properties(self, kind: str, *, modelled: set[str], known: set[str]) -> dict[str, Value]:
        """Consume `NAME = value` pairs up to the end.

        Args:
            kind: What the statement makes, for messages.
            modelled: Properties whose values the caller looks at.
            known: Properties that Snowflake has and the stand-in refuses by name.
        """
        found: dict[str, Value] = {}
        while not self.done:
            name = self.identifier()
            if name in known or (name == "WITH" and not self.peek("=")):
                raise failures.not_modelled(what=f"{name} of {kind}")
            if name not in modelled:
                raise failures.invalid_property(name, kind)
            self.expect("=")
            found[name] = self.value()
            self.accept(",")
        return found

    def rest(self) -> str:
        """Consume everything that is left and return it as written."""
        if self.done:
            raise self.unexpected()
        start = self._tokens[self._at].start
        end = self._tokens[-1].end
        self._at = len(self._tokens)
        return self.sql[start:end]

    def parenthesised(self) -> str:
        """Consume a balanced parenthesis and return what is inside as written."""
        self.expect("(")
        start, depth = self._tokens[self._at - 1].end, 1
        while depth:
            if self.done:
                raise self.unexpected()
            depth += {"(": 1, ")": -1}.get(self._tokens[self._at].text, 0)
            self._at += 1
        return self.sql[start : self._tokens[self._at - 1].start]

    def end(self) -> None:
        """Make sure that nothing is left."""
        if not self.done:
            raise self.unexpected()

    def unexpected(self) -> failures.SqlError:
        """Return the syntax error for the place reached."""
        if self.done:
            return failures.syntax(len(self.sql), "<EOF>")
        token = self._tokens[self._at]
        return failures.syntax(token.start, token.text)

    def words(self, count: int) -> str:
        """Return the next words in upper case without consuming them, for messages and dispatch."""
        ahead = self._tokens[self._at : self._at + count]
        return " ".join(token.text.upper() for token in ahead if token.kind == "word")

    def _kind(self) -> str:
        return "" if self.done else self._tokens[self._at].kind

    def _take(self, *kinds: str) -> Token:
        if self._kind() not in kinds:
            raise self.unexpected()
        self._at += 1
        return self._tokens[self._at - 1]

    def _list(self) -> Value:
        pairs: dict[str, Value] = {}
        values: list[Value] = []
        while not self.accept(")"):
            following = self._tokens[self._at + 1 : self._at + 2]
            if self._kind() == "word" and following and following[0].text == "=":
                name = self.identifier()
                self.expect("=")
                pairs[name] = self.value()
            else:
                values.append(self.value())
            self.accept(",")
        if pairs and values:
            raise self.unexpected()
        return pairs or values


def text_value(found: Mapping[str, Value], name: str) -> str:
    """Return a property that must be there and be a text."""
    value = found.get(name)
    if value is None:
        raise failures.missing_property(name)
    if not isinstance(value, str):
        msg = f"invalid value '{value}' for property '{name}'"
        raise failures.invalid(msg)
    return value


def split_name(text: str) -> tuple[str, ...]:
    """Read a name that was given inside a string."""
    reader = Reader(text)
    parts = reader.name()
    reader.end()
    return parts


def _unquoted(text: str) -> str:
    if text.startswith("$$"):
        return text[2:-2]
    escapes = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}
    body = text[1:-1].replace("''", "'")
    return re.sub(r"\\(.)", lambda match: escapes.get(match.group(1), match.group(1)), body, flags=re.DOTALL)

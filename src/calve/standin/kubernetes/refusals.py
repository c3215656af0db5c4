"""What the API server says when it refuses: Status objects with the real server's reasons and words."""

from __future__ import annotations

from typing import Any

from calve.standin.kubernetes.resources import Resource

# Reasons of apimachinery's `errors.go`, by HTTP status, for answers that only name a status.
REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    410: "Expired",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


class RefusedError(Exception):
    """The server refuses; carries the Status object that the client gets."""

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status_object(code, reason, message, details)


def status_object(code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a failure as the API's Status object."""
    found: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    found |= {"message": message, "reason": reason, "code": code}
    return found | ({"details": details} if details else {})


def bad_request(message: str) -> RefusedError:
    """Return a 400."""
    return RefusedError(400, "BadRequest", message)


def not_found(resource: Resource, name: str) -> RefusedError:
    """Return the 404 of an object."""
    return RefusedError(404, "NotFound", f'{resource.qualified} "{name}" not found', _details(resource, name))


def already_exists(resource: Resource, name: str) -> RefusedError:
    """Return the 409 of a name that is taken."""
    message = f'{resource.qualified} "{name}" already exists'
    return RefusedError(409, "AlreadyExists", message, _details(resource, name))


def conflict(resource: Resource, name: str, why: str) -> RefusedError:
    """Return the 409 of a change that no longer fits the object."""
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}'
    return RefusedError(409, "Conflict", message, _details(resource, name))


def forbidden(resource: Resource, name: str, why: str) -> RefusedError:
    """Return a 403."""
    message = f'{resource.qualified} "{name}" is forbidden: {why}'
    return RefusedError(403, "Forbidden", message, _details(resource, name))


def invalid(resource: Resource, name: str, field: str, found: object, why: str) -> RefusedError:
    """Return the 422 of one malformed field."""
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    shown = f'"{found}"' if isinstance(found, str) else str(found)
    said = f"Invalid value: {shown}: {why}"
    details = {"group": resource.group, "kind": resource.kind, "name": name}
    details = {key: value for key, value in details.items() if value}
    causes = [{"reason": "FieldValueInvalid", "message": said, "field": field}]
    return RefusedError(422, "Invalid", f'{kind} "{name}" is invalid: {field}: {said}', {**details, "causes": causes})


def expired(asked: int, oldest: int) -> RefusedError:
    """Return the 410 of a resource version that is older than what is kept."""
    return RefusedError(410, "Expired", f"too old resource version: {asked} ({oldest})")


def _details(resource: Resource, name: str) -> dict[str, Any]:
    found = {"name": name, "group": resource.group, "kind": resource.plural}
    return {key: value for key, value in found.items() if value}

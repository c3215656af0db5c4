"""Regions and facilities, and how they change: fixed by the day, the same for every seed and scale.

A facility never sells outside [opened_on, closed_on) of its own calendar; its currency and time zone never change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from calve.standin.source.clock import DAY_MS, HOUR_MS, MINUTE_MS, NEVER, SECOND_MS, day_date, instant

Row = tuple[Any, ...]

REGIONS = (
    (1, "US", "United States", None),
    (2, "EU", "European Union", None),
    (3, "US-EAST", "US East", 1),
    (4, "US-WEST", "US West", 1),
    (5, "EU-NORTH", "EU North", 2),
    (6, "EU-SOUTH", "EU South", 2),
)
REGION_RENAMED = (250, 6, "EU South and Mediterranean")
DEMO_RENAME_DAY, DEMO_RENAMED_ID = 400, 5
"""The first day after 400 days of history: one rename is certain."""
MISTAKEN_ID, MISTAKEN_ON, MISTAKEN_REMOVED_ON = 25, 60, 62
"""A facility that was entered by mistake, never sold anything, and was soft-deleted two days later."""
ANNOUNCED_DAYS = 7
_LONG_AGO = -3_000
_SUFFIXES = ("", " Center", " Campus", " East Wing")
_CYCLE_DAYS = 330
_WIND_DOWN = ((30, 0.08), (60, 0.3))


@dataclass(frozen=True)
class Facility:
    """One place of sale. `weight` is its share of all orders, in thousandths; `tax_bp` in basis points."""

    facility_id: int
    name: str
    kind: str
    region_id: int
    timezone: str
    capacity: int
    weight: int
    tax_bp: int
    price_percent: int
    opened: int = _LONG_AGO
    closed: int = NEVER

    @property
    def currency(self) -> str:
        """Return the only currency that the facility sells in."""
        return "USD" if self.region_id in {3, 4} else "EUR"

    @property
    def code(self) -> str:
        """Return the facility's short name, e.g. `H07`."""
        return f"{self.kind[:2] if self.kind.startswith('HOSPI') else self.kind[:1]}{self.facility_id:02d}"

    def activity(self, day: int) -> float:
        """Return the share of its usual orders that the facility takes on a UTC day; 0 unless open throughout.

        It winds down before it closes, so that its end is no sudden loss of volume.
        """
        if not self.opened <= day - 1 or not day + 1 < self.closed:
            return 0.0
        return next((share for days, share in _WIND_DOWN if self.closed - day <= days), 1.0)

    def trades_on(self, local_day: int) -> bool:
        """Tell whether the facility is open on a day of its own calendar."""
        return self.opened <= local_day < self.closed


FACILITIES = (
    Facility(1, "Maple Grove Hospital", "HOSPITAL", 3, "America/New_York", 820, 110, 800, 100),
    Facility(2, "Harbor Point Living", "SENIOR_LIVING", 3, "America/New_York", 310, 52, 800, 101),
    Facility(3, "Stonebridge Facility", "CORRECTIONAL", 3, "America/New_York", 900, 70, 600, 98),
    Facility(4, "Lakeside Inn", "HOSPITALITY", 3, "America/New_York", 240, 34, 800, 102),
    Facility(5, "Prairie View Hospital", "HOSPITAL", 3, "America/Chicago", 520, 62, 700, 100),
    Facility(6, "Old Mill Living", "SENIOR_LIVING", 3, "America/Chicago", 190, 30, 700, 99),
    Facility(7, "Cedar Creek Facility", "CORRECTIONAL", 4, "America/Denver", 640, 56, 500, 98),
    Facility(8, "Summit Lodge", "HOSPITALITY", 4, "America/Denver", 160, 20, 500, 103),
    Facility(9, "Pacific General Hospital", "HOSPITAL", 4, "America/Los_Angeles", 700, 78, 900, 101),
    Facility(10, "Sunset Terrace Living", "SENIOR_LIVING", 4, "America/Los_Angeles", 260, 36, 900, 101),
    Facility(11, "Redwood Facility", "CORRECTIONAL", 4, "America/Los_Angeles", 560, 46, 900, 98),
    Facility(12, "Desert Bloom Inn", "HOSPITALITY", 4, "America/Phoenix", 140, 18, 600, 102, closed=45),
    Facility(13, "Lindenhof Hospital", "HOSPITAL", 5, "Europe/Berlin", 610, 66, 1900, 100),
    Facility(14, "Birkenweg Living", "SENIOR_LIVING", 5, "Europe/Berlin", 220, 32, 1900, 99),
    Facility(15, "Nordpark Facility", "CORRECTIONAL", 5, "Europe/Berlin", 430, 40, 1900, 98),
    Facility(16, "Canal House Inn", "HOSPITALITY", 5, "Europe/Amsterdam", 130, 24, 2100, 103),
    Facility(17, "Greenfield Hospital", "HOSPITAL", 5, "Europe/Dublin", 380, 38, 2300, 100),
    Facility(18, "Aurora Living", "SENIOR_LIVING", 5, "Europe/Helsinki", 170, 22, 2400, 101, opened=180),
    Facility(19, "San Telmo Hospital", "HOSPITAL", 6, "Europe/Madrid", 540, 48, 2100, 99),
    Facility(20, "Almendro Living", "SENIOR_LIVING", 6, "Europe/Madrid", 200, 26, 2100, 98),
    Facility(21, "Colle Verde Facility", "CORRECTIONAL", 6, "Europe/Rome", 480, 36, 2200, 98),
    Facility(22, "Villa Marina Inn", "HOSPITALITY", 6, "Europe/Rome", 150, 18, 2200, 103, closed=290),
    Facility(23, "Belle Rive Hospital", "HOSPITAL", 6, "Europe/Paris", 450, 42, 2000, 100),
    Facility(24, "Athena Inn", "HOSPITALITY", 6, "Europe/Athens", 120, 16, 2400, 102, closed=620),
)
_MISTAKEN = Facility(MISTAKEN_ID, "Test Entry", "HOSPITALITY", 6, "Europe/Rome", 1, 0, 2200, 100, opened=MISTAKEN_ON)


def region_rows(since: int, until: int) -> list[Row]:
    """Return the regions that changed on days in [since, until), as they are at `until`."""
    rows: list[Row] = []
    for region_id, code, name, parent in REGIONS:
        renamed_on, renamed_id, new_name = REGION_RENAMED
        renamed = region_id == renamed_id and until > renamed_on
        day = renamed_on if renamed else 0
        if since <= day < until:
            at = instant(day * DAY_MS + 9 * HOUR_MS if renamed else region_id * SECOND_MS)
            rows.append((region_id, code, new_name if renamed else name, parent, at))
    return rows


def facility_rows(since: int, until: int) -> list[Row]:
    """Return the facilities that changed on days in [since, until), as they are at `until`."""
    rows: list[Row] = []
    for facility in (*FACILITIES, _MISTAKEN):
        changed = _changes_of(facility, until)
        if changed and since <= changed[-1]:
            rows.append(_row_of(facility, changed[-1]))
    return rows


def _entered_on(facility: Facility) -> int:
    if facility.facility_id == MISTAKEN_ID:
        return MISTAKEN_ON
    return max(0, facility.opened - ANNOUNCED_DAYS)


def _renames(facility: Facility, through: int) -> int:
    """Count the renames up to and including a day."""
    first = 40 + 13 * facility.facility_id
    regular = 0 if through < first else (through - first) // _CYCLE_DAYS + 1
    demo = facility.facility_id == DEMO_RENAMED_ID and through >= DEMO_RENAME_DAY
    return regular + int(demo)


def _resizes(facility: Facility, through: int) -> int:
    first = 200 + 13 * facility.facility_id
    return 0 if through < first else (through - first) // _CYCLE_DAYS + 1


def _state(facility: Facility, day: int) -> tuple[int, int, bool, bool]:
    removed = facility.facility_id == MISTAKEN_ID and day >= MISTAKEN_REMOVED_ON
    if facility.facility_id == MISTAKEN_ID or day >= facility.closed:
        frozen = min(day, facility.closed - 1) if facility.facility_id != MISTAKEN_ID else -1
        return _renames(facility, frozen), _resizes(facility, frozen), day >= facility.closed, removed
    return _renames(facility, day), _resizes(facility, day), False, removed


def _changes_of(facility: Facility, until: int) -> list[int]:
    """Return the days before `until` on which the facility's row was entered or changed."""
    entered = _entered_on(facility)
    days = range(entered, until)
    return [day for day in days if day == entered or _state(facility, day) != _state(facility, day - 1)]


def _row_of(facility: Facility, day: int) -> Row:
    renames, resizes, closed, removed = _state(facility, day)
    at = instant(day * DAY_MS + 8 * HOUR_MS + facility.facility_id * MINUTE_MS if day else SECOND_MS * 10)
    return (
        facility.facility_id,
        facility.code,
        facility.name + _SUFFIXES[renames % len(_SUFFIXES)],
        facility.kind,
        facility.region_id,
        facility.timezone,
        facility.capacity + 5 * resizes,
        "CLOSED" if closed else "OPEN",
        day_date(facility.opened),
        day_date(facility.closed) if closed else None,
        at,
        removed,
    )

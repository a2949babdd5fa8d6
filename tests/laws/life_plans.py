"""The plans, classes and accounts of generated lives (`tests.laws.lives`)."""

from __future__ import annotations

from tests.support.logs import Event

PLANS: Event = {
    "basic": {"fee": "300.00", "proration": "daily", "minutes": {"allowance": 100, "rate": "0.15"}},
    "big": {
        "fee": "499.99",
        "proration": "daily",
        "minutes": {
            "increment": "30/6",
            "allowance": 201,
            "graduated": [{"from": 0, "rate": "0.1"}, {"from": 9, "rate": "0.07"}],
        },
        "calls": {"allowance": 3, "rate": "0.5"},
    },
    "rigid": {"fee": "90.00", "minutes": {"allowance": 10, "rate": "1.00"}},
    "volume": {
        "minutes": {
            "volume": [{"from": 0, "rate": "0.20"}, {"from": 50, "rate": "0.18"}, {"from": 100, "rate": "0.16"}]
        }
    },
    "calls": {"calls": {"volume": [{"from": 0, "rate": "2.00"}, {"from": 4, "rate": "1.80", "flat": "1"}]}},
}
CONTRACTS: Event = {name: PLANS[name] for name in ("rigid", "big")} | {
    "floor": {
        "fee": "20.00",
        "proration": "daily",
        "discount": "0.075",
        "minimum": "100.00",
        "guarantee": {"connect_rate": "0.9", "attempts": 2, "credit": "0.3"},
        "minutes": {"allowance": 30, "rate": "0.313"},
        "calls": {"rate": "1.00"},
    },
    "rigid-floor": {"minimum": "33.33", "minutes": {"rate": "0.50"}, "calls": {"allowance": 1, "rate": "0.25"}},
    "off": {"discount": "0.3333", "proration": "daily", **PLANS["volume"]},
    "sure": {
        "guarantee": {"connect_rate": "0.95", "attempts": 1, "credit": "0.0555"},
        "proration": "daily",
        **PLANS["volume"],
    },
    "surer": {"guarantee": {"connect_rate": "0.75", "attempts": 3, "credit": "1"}, "calls": {"rate": "3.00"}},
    "volume": PLANS["volume"],
}
"""With discounts, minimums and guarantees beside them."""
TEAMS: Event = {name: PLANS[name] for name in ("basic", "rigid", "volume")} | {
    "team": {
        "fee": "20.00",
        "proration": "daily",
        "items": {"seat": {"price": "80.00", "quantity": 10}, "number": {"price": "15.01"}},
        "setup": "500.00",
        "minimum": "900.00",
        "minutes": {"allowance": 30, "rate": "0.313"},
    },
    "desk": {"items": {"seat": {"price": "33.33", "quantity": 3}}, "setup": "70.00", "minutes": {"rate": "0.50"}},
    "free-desk": {"items": {"seat": {"price": "9.99", "quantity": 0}}, "minimum": "50.00", "minutes": {"rate": "0.10"}},
}
"""With items and set-ups."""
METERS: Event = {
    "rigid": PLANS["rigid"],
    "volume": PLANS["volume"],
    "split": {
        "proration": "daily",
        "fee": "30.00",
        "meters": [
            {"name": "in", "unit": "minutes", "directions": ["inbound"], "allowance": 20, "rate": "0.111"},
            {"name": "own", "unit": "minutes", "directions": ["internal"], "allowance": "unlimited"},
            {"name": "answered-in", "unit": "calls", "directions": ["inbound"], "rate": "0.05"},
        ],
        "minutes": {"allowance": 30, "increment": "6/6", "rate": "0.313"},
    },
    "swapped": {
        "meters": [
            {"name": "own", "unit": "minutes", "directions": ["internal", "inbound"], "rate": "0.20"},
            {"name": "in", "unit": "minutes", "directions": ["inbound"], "rate": "9.00"},
        ],
        "calls": {"allowance": 5, "rate": "0.40"},
    },
    "two-of-calls": {
        "discount": "0.05",
        "meters": [
            {
                "name": "out",
                "unit": "calls",
                "directions": ["outbound"],
                "volume": [{"from": 0, "rate": "0.90"}, {"from": 4, "rate": "0.70"}],
            },
            {"name": "all", "unit": "calls", "allowance": 3, "rate": "0.30"},
        ],
        "minutes": {"directions": ["outbound"], "rate": "0.10"},
    },
    "falls-in-the-call": {
        "meters": [
            {"name": "first", "unit": "minutes", "portion": {"until": 60}, "rate": "0.50"},
            {"name": "in-late", "unit": "minutes", "directions": ["inbound"], "portion": {"from": 120}, "rate": "0.02"},
            {"name": "then", "unit": "minutes", "portion": {"from": 30, "until": 600}, "allowance": 5, "rate": "0.20"},
        ],
        "minutes": {"rate": "0.10"},
    },
    "out-first": {
        "meters": [{"name": "out", "unit": "minutes", "directions": ["outbound"], "increment": "1/1", "rate": "0.30"}],
        "minutes": {"rate": "0.10"},
    },
}
"""With several meters of a unit, of which the first that selects a call counts it."""
CLASSES: Event = {
    "prefixes": {"mobile": ["+8613", "+8615", "+861380"], "uk": ["+44", "+4420"], "own": ["400", "+8610"]},
    "holidays": ["2026-10-01", "2026-10-02", "2026-11-11", "2026-12-25"],
    "workdays": ["2026-10-10", "2026-10-17", "2026-10-24", *(f"2026-11-{day:02d}" for day in (7, 11, 14, 21, 28))],
    "classes": [
        {
            "name": "night",
            "numbers": ["mobile"],
            "hours": ["Mon-Fri 20:00-07:30", "Sat,Sun 00:00-24:00"],
            "within": "mobile",
        },
        {"name": "mobile-b", "numbers": ["mobile"], "labels": {"route": ["ct-3"]}, "within": "mobile"},
        {"name": "holiday", "holidays": True},
        {"name": "route-b", "labels": {"route": ["ct-2", "ct-3"], "agent": ["7"]}},
        {"name": "mobile", "numbers": ["mobile"]},
        {"name": "london", "numbers": ["uk"], "directions": ["outbound"], "within": "abroad"},
        {"name": "abroad", "numbers": ["uk"], "holidays": False},
        {"name": "hotline", "own_numbers": ["own"], "directions": ["inbound"]},
        {"name": "office", "hours": ["Mon-Fri 09:00-18:00"], "holidays": False},
    ],
}
NUMBERS = ["+8613800138000", "+8615100000000", "+442071234567", "+441130000000", "4001234567", "+861087654321", "+1"]
CLASSED: Event = {"rigid": PLANS["rigid"], "volume": PLANS["volume"]} | {
    "by-class": {
        "proration": "daily",
        "meters": [
            {"name": "mobile", "unit": "minutes", "classes": ["mobile"], "allowance": 20, "rate": "0.25"},
            {"name": "abroad", "unit": "minutes", "classes": ["abroad"], "increment": "1/1", "rate": "1.20"},
            {"name": "hot", "unit": "calls", "classes": ["hotline", "holiday"], "rate": "0.07"},
        ],
        "minutes": {"allowance": 30, "rate": "0.10"},
    },
    "by-hour": {
        "meters": [
            {
                "name": "cheap",
                "unit": "minutes",
                "classes": ["night", "holiday"],
                "directions": ["outbound"],
                "rate": "0.05",
            },
            {"name": "office", "unit": "minutes", "classes": ["office", "london", "route-b"], "rate": "0.50"},
        ],
        "minutes": {"rate": "0.30"},
    },
    "only-other": {"minutes": {"classes": ["other"], "rate": "0.40"}, "calls": {"rate": "0.10"}},
}
"""Plans that name classes of calls."""
SHARED: Event = {"rigid": PLANS["rigid"], "volume": PLANS["volume"], "by-class": CLASSED["by-class"]} | {
    "shared": {
        "proration": "daily",
        "fee": "12.00",
        "minutes": {
            "allowance": 40,
            "covers": ["rest", "mobile"],
            "rate": "0.18",
            "by_class": {"mobile": {"rate": "0.253"}, "abroad": {"rate": "1.20"}},
        },
    },
    "odd-order": {
        "discount": "0.1",
        "minutes": {
            "allowance": 25,
            "increment": "1/1",
            "covers": ["night", "rest", "abroad"],
            "volume": [{"from": 0, "rate": "0.20"}, {"from": 30, "rate": "0.10", "flat": "1"}],
            "by_class": {
                "night": {"graduated": [{"from": 0, "rate": "0.05"}, {"from": 10, "rate": "0.01"}]},
                "mobile": {"rate": "0.30"},
                "abroad": {"volume": [{"from": 0, "rate": "1.20", "flat": "2"}, {"from": 7, "rate": "0.9"}]},
            },
        },
        "calls": {"allowance": 3, "covers": ["hotline"], "rate": "0.07", "by_class": {"hotline": {"rate": "0.50"}}},
    },
    "national": {
        "meters": [
            {
                "name": "out",
                "unit": "minutes",
                "directions": ["outbound"],
                "allowance": "unlimited",
                "covers": ["rest", "london"],
                "by_class": {"london": {}, "abroad": {"rate": "1.20"}, "holiday": {"rate": "0.5"}},
            }
        ],
        "minutes": {"rate": "0.01"},
    },
    "no-allowance": {"minutes": {"rate": "0.15", "by_class": {"mobile": {"rate": "0.25"}}}},
}
"""With prices by class, of which some share an allowance."""
MEANINGS: Event = {"rigid": PLANS["rigid"], "volume": PLANS["volume"]} | {
    "long": {"connected": {"min_talk": 60}, "calls": {"allowance": 2, "rate": "0.70"}, "minutes": {"rate": "0.10"}},
    "people": {
        "proration": "daily",
        "connected": {"answered_by": ["person", "unknown"]},
        "fee": "30.00",
        "minutes": {"allowance": 20, "rate": "0.25"},
    },
    "sure-people": {
        "proration": "daily",
        "connected": {"min_talk": 2, "answered_by": ["person"]},
        "guarantee": {"connect_rate": "0.6", "attempts": 2, "credit": "0.5"},
        "minutes": {"rate": "0.40"},
        "attempts": {"rate": "0.01"},
    },
    "sure": CONTRACTS["sure"],
}
"""With their own meanings of connected."""
INLINE: Event = {"fee": "10.00", "proration": "daily", "minutes": {"increment": "1/1", "rate": "0.333"}}
EVERYTHING: Event = {**PLANS, **CONTRACTS, **TEAMS, **METERS, **CLASSED, **SHARED, **MEANINGS}
"""All of them."""
ACCOUNTS: dict[str, Event] = {
    "A": {},
    "B": {"time_zone": "Europe/Berlin", "billing_day": 15},
    "C": {"time_zone": "America/New_York", "billing_day": 1},
    "D": {},
}

"""A ModemManager without modems: what it tells on the bus is read from a JSON file at each question.

    modem_manager.py FILE      prints READY once it can be asked on the bus of $DBUS_SYSTEM_BUS_ADDRESS

FILE: {"silent": false, "modems": {"0": {INTERFACE: {PROPERTY: value}}}}. Interfaces, properties and their types are
those of the ModemManager D-Bus reference, as far as mmcli looks at them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib  # type: ignore[import-untyped]

NAME = "org.freedesktop.ModemManager1"
ROOT = "/org/freedesktop/ModemManager1"
MODEM = f"{NAME}.Modem"
THREE_GPP = f"{MODEM}.Modem3gpp"
SIGNAL = f"{MODEM}.Signal"
SIGNATURES = {
    MODEM: {
        "State": "i",
        "StateFailedReason": "u",
        "EquipmentIdentifier": "s",
        "DeviceIdentifier": "s",
        "Manufacturer": "s",
        "Model": "s",
        "AccessTechnologies": "u",
        "SignalQuality": "(ub)",
        "Ports": "a(su)",
        "Bearers": "ao",
        "OwnNumbers": "as",
        "PrimaryPort": "s",
        "CurrentModes": "(uu)",
        "SupportedModes": "a(uu)",
        "SupportedCapabilities": "au",
        "CurrentBands": "au",
        "SupportedBands": "au",
        "UnlockRetries": "a{uu}",
    },
    THREE_GPP: {"Imei": "s", "RegistrationState": "u", "OperatorCode": "s", "OperatorName": "s"},
    SIGNAL: {"Rate": "u", "Lte": "a{sd}", "Nr5g": "a{sd}", "Umts": "a{sd}", "Gsm": "a{sd}"},
}


# mmcli of Debian 12 falls over a modem that lacks these.
ALWAYS: dict[str, dict[str, Any]] = {
    MODEM: {
        "CurrentModes": [8, 0],
        "SupportedModes": [[8, 0]],
        "SupportedCapabilities": [12],
        "CurrentBands": [],
        "SupportedBands": [],
        "UnlockRetries": {},
    },
}


def typed(signature: str, value: Any) -> Any:
    """A JSON value as what D-Bus wants under this signature."""
    if signature == "a{sd}":
        return dbus.Dictionary(
            {key: dbus.Double(number, variant_level=1) for key, number in value.items()}, signature="sv"
        )
    if signature == "(uu)":
        return dbus.Struct(tuple(map(dbus.UInt32, value)), signature="uu")
    if signature == "a(uu)":
        return dbus.Array([typed("(uu)", pair) for pair in value], signature="(uu)")
    if signature == "au":
        return dbus.Array(value, signature="u")
    if signature == "a{uu}":
        return dbus.Dictionary(value, signature="uu")
    if signature == "(ub)":
        return dbus.Struct((dbus.UInt32(value[0]), dbus.Boolean(value[1])), signature="ub")
    if signature == "a(su)":
        return dbus.Array([dbus.Struct((name, dbus.UInt32(kind))) for name, kind in value], signature="(su)")
    if signature == "ao":
        return dbus.Array([dbus.ObjectPath(path) for path in value], signature="o")
    if signature == "as":
        return dbus.Array(value, signature="s")
    return {"i": dbus.Int32, "u": dbus.UInt32, "s": dbus.String}[signature](value)


class Manager(dbus.service.Object):  # type: ignore[misc]
    def __init__(self, bus: Any, described: Path) -> None:
        super().__init__(bus, ROOT)
        self._described = described

    @dbus.service.method(  # type: ignore[untyped-decorator]
        "org.freedesktop.DBus.ObjectManager", out_signature="a{oa{sa{sv}}}", async_callbacks=("answer", "refuse")
    )
    def GetManagedObjects(self, answer: Any, refuse: Any) -> None:  # noqa: N802 - the interface's own names
        described = json.loads(self._described.read_text())
        if described.get("silent"):
            return  # never: as while a modem starts anew
        objects = {}
        for number, interfaces in described["modems"].items():
            objects[dbus.ObjectPath(f"{ROOT}/Modem/{number}")] = {
                name: {
                    key: typed(SIGNATURES[name][key], value)
                    for key, value in {**ALWAYS.get(name, {}), **properties}.items()
                }
                for name, properties in interfaces.items()
            }
        answer(dbus.Dictionary(objects, signature="oa{sa{sv}}"))

    @dbus.service.method(  # type: ignore[untyped-decorator]
        "org.freedesktop.DBus.Properties", in_signature="s", out_signature="a{sv}"
    )
    def GetAll(self, _interface: str) -> Any:  # noqa: N802
        return dbus.Dictionary({"Version": "1.20.4"}, signature="sv")


def main() -> None:
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    bus = dbus.SystemBus()
    name = dbus.service.BusName(NAME, bus)
    manager = Manager(bus, Path(sys.argv[1]))
    print("READY", flush=True)
    GLib.MainLoop().run()
    del manager, name


if __name__ == "__main__":
    main()

"""Lines of the kernel about what a stream depends on: the HDMI input, USB, memory, heat.

By the format strings of the drivers: rk_hdmirx (armbian/linux-rockchip, `drivers/media/platform/rockchip/hdmirx`), and
Linux `drivers/net/usb/usbnet.c`, `net/core/dev.c`, `drivers/usb/core/hub.c`, `mm/oom_kill.c`, `drivers/thermal`.
"""

from __future__ import annotations

from .finding import CRITICAL, Finding

_HDMI = (
    ("signal not lock", "hdmi_signal_lost", "the HDMI input has no signal that it can lock to"),
    ("Err, timing is invalid", "hdmi_signal_lost", "the HDMI input has no signal"),
    ("signal lock ok", "hdmi_signal_locked", "the HDMI input has a signal"),
    ("audio underflow", "audio_underrun", "the sound of the HDMI input came too late"),
)
_OVER = {"hdmi_signal_locked": ("hdmi_signal_lost",), "hdmi_signal_lost": ("hdmi_signal_locked",)}
_NAME_LIMIT = 32


def finding(line: str) -> Finding | None:
    """What a line tells, None for most."""
    if "hdmirx" in line:
        for said, name, text in _HDMI:
            if said in line:
                return Finding(name, text, over=_OVER.get(name, ()))
    elif "register '" in line:
        return _modem(line)
    elif ": renamed from " in line:
        return _renamed(line)
    elif line.startswith("usb ") and ": USB disconnect, device number " in line:
        port = _name(line[4:].partition(":")[0])
        return Finding("usb_disconnected", f"what was plugged in at {port} is gone", tags={"port": port}, single=True)
    elif ": Killed process " in line:
        # `Out of memory: Killed process 812 (belacoder) total-vm:…`, or `Memory cgroup out of memory: …`
        process = _name(line.partition(" (")[2].partition(") ")[0])
        text = f"the kernel killed {process} for want of memory"
        return Finding("oom_kill", text, CRITICAL, {"process": process}, single=True)
    elif "critical temperature reached" in line:
        # `thermal thermal_zone0: critical temperature reached (115 C), shutting down`; newer ones name the zone's type.
        zone = _name(line.partition(": critical")[0].rpartition(" ")[2])
        return Finding("thermal_trip", f"{zone} is too hot, the box shuts down", CRITICAL, {"zone": zone}, single=True)
    return None


def _modem(line: str) -> Finding | None:
    """`qmi_wwan 2-1:1.4 wwan0: unregister 'qmi_wwan' usb-…`, and `register 'qmi_wwan' at usb-…` when it is plugged in.

    Every network adapter on USB says so; in a BELABOX that is nearly always a modem."""
    gone = ": unregister '" in line
    said, _, rest = line.partition(": unregister '" if gone else ": register '")
    words = said.split()
    if len(words) != 3 or not (gone or "' at " in rest):
        return None
    interface = _name(words[2])
    if gone:
        return Finding("modem_gone", f"{interface} is gone", tags={"interface": interface}, over=("modem_found",))
    return Finding("modem_found", f"{interface} is there", tags={"interface": interface}, over=("modem_gone",))


def _renamed(line: str) -> Finding | None:
    """`qmi_wwan 2-1:1.4 wwp1s0u1i4: renamed from wwan0` (`net/core/dev.c`), a moment after it was registered. Network
    adapters of all kinds say so: whether it is one that was just found is for the reader to know."""
    said, _, rest = line.partition(": renamed from ")
    words, former = said.split(), rest.split()
    if len(words) != 3 or not former:
        return None
    interface = _name(words[2])
    tags = {"interface": interface}
    return Finding("modem_found", f"{interface} is there", tags=tags, over=("modem_gone",), formerly=_name(former[0]))


def _name(text: str) -> str:
    """Of a device or a process, fit for a tag."""
    return "".join(
        [char if char.isascii() and (char.isalnum() or char in "._-:") else "_" for char in text[:_NAME_LIMIT]]
    )

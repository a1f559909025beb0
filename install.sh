#!/bin/bash
# Installs belabox-metrics on this machine, upgrades it, removes it, or shows it at work in a throw-away one.
set -euo pipefail

SOURCE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=lib/setup.sh
. "$SOURCE/lib/setup.sh"

PACKAGES=(python3 python3-yaml python3-requests python3-systemd)
MODULES=(yaml requests systemd)
OLDEST_PYTHON=3.9
OLDEST_SYSTEMD=247

usage() {
    cat <<EOF
usage: ./install.sh [--remote URL] [--token-file FILE] [--device-id ID] [--settings FILE]
       ./install.sh --uninstall [--purge]
       ./install.sh --try [--once]
       ./install.sh --package [DIRECTORY]

Installs or upgrades, starts everything and waits for the first samples. Configuration and data are kept.

  --remote URL       send samples there, such as http://localhost:8428/api/v1/import
  --token-file FILE  what is in it becomes the secret of remote.auth, $TOKEN
  --device-id ID     the name of this box in everything that is sent; made from the machine id unless given
  --settings FILE    what differs from config.yaml, lines of NAME=value, becomes $DEFAULTS
  --uninstall        stop and remove; configuration, data and the user '$ACCOUNT' stay
  --purge            with --uninstall: remove those too
  --try              show it in a throw-away Debian, until Ctrl-C; all that this machine gets is what builds that
  --once             with --try: end when samples were seen to arrive, the exit code tells
  --package          build belabox-metrics_VERSION_all.deb, here or in DIRECTORY; needs no root
EOF
}

usage_error() {
    echo "install.sh: $* (--help)" >&2
    exit 2
}

# ---- what must be so ----

need_root() { [[ $EUID == 0 ]] || fail "needs root: sudo ./install.sh $*"; }

need_systemd() {
    [[ -d /run/systemd/system ]] ||
        fail "process 1 here is $(</proc/1/comm), not systemd, so nothing could be scheduled; to see it at work: ./install.sh --try"
    local version
    version=$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
    ((${version:-0} >= OLDEST_SYSTEMD)) || fail "needs systemd $OLDEST_SYSTEMD or newer, this is ${version:-unknown}"
}

# Two that think they own the files would each undo what the other has done.
need_no_package() {
    [[ $(dpkg-query -Wf '${db:Status-Status}' belabox-metrics 2>/dev/null) != installed ]] ||
        fail "the Debian package is installed: $1"
}

need_packages() {
    if ! has_modules; then
        command -v apt-get >/dev/null ||
            fail "$PYTHON lacks one of the modules ${MODULES[*]}, and there is no apt-get to install ${PACKAGES[*]}"
        say "installing packages: ${PACKAGES[*]}"
        install_packages
        has_modules || fail "$PYTHON still lacks one of the modules ${MODULES[*]}"
    fi
    # shellcheck disable=SC2016
    "$PYTHON" -I -c 'import sys; sys.exit(sys.version_info < tuple(map(int, sys.argv[1].split("."))))' $OLDEST_PYTHON ||
        fail "needs Python $OLDEST_PYTHON or newer, $PYTHON is $("$PYTHON" -V)"
}

has_modules() {
    [[ -x $PYTHON ]] && "$PYTHON" -I - "${MODULES[@]}" <<'EOF'
import sys
from importlib.util import find_spec
sys.exit(any(find_spec(name) is None for name in sys.argv[1:]))
EOF
}

# Mirrors hiccup, and a box that has just booted may be busy with its own upgrades.
install_packages() {
    local try
    for try in 1 2 3; do
        apt_get update && apt_get install --no-install-recommends "${PACKAGES[@]}" && return
        [[ $try == 3 ]] || say "did not work (try $try of 3), again in 10 s"
        sleep 10
    done
    fail "could not install ${PACKAGES[*]}"
}

apt_get() { DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 "$@"; }

# ---- files ----

install_tree() {
    local new=$TREE.new
    rm -rf "$new"
    mkdir "$new"
    # The units go along, so that doctor can tell whether those of systemd are of this version.
    # Not byte code, which whoever runs something there is making meanwhile.
    tar -C "$SOURCE" --exclude=__pycache__ -c lib jobs units | tar -C "$new" --no-same-owner --no-same-permissions -xm
    # The default goes along, so that the next upgrade can tell whether it has changed.
    cp "$SOURCE/configs/config.yaml" "$SOURCE/configs/config.schema.json" "$new/"
    chown -R root:root "$new"
    chmod -R u=rwX,go=rX "$new"
    chmod 755 "$new"/jobs/*.py
    # It can't be stale after an upgrade either, since the whole tree is new.
    compile_tree "$new" "$TREE"

    if same_tree "$new" "$TREE"; then
        rm -r "$new"
        return
    fi
    say "installing $TREE"
    rm -f $APPLIED
    sync --file-system "$new"
    swap "$new" "$TREE"
    rm -rf "$new"
    ln -sfn "$TREE/jobs/cli.py" $COMMAND
    # The one job that stays for a while; its socket starts the new one.
    systemctl stop belabox-metrics-health.service 2>/dev/null || true
}

# The same sources, and byte code for the Python that is here now.
same_tree() {
    [[ -d $2 ]] && diff -rq --exclude=__pycache__ "$1" "$2" >/dev/null &&
        cmp -s <(cd "$1" && find . -name '*.pyc' | sort) <(cd "$2" && find . -name '*.pyc' | sort)
}

# In one step, so that a job that starts right now finds either all of the old tree or all of the new one.
swap() {
    if [[ ! -e $2 ]]; then
        mv "$1" "$2"
        return
    fi
    "$PYTHON" -I - "$1" "$2" <<'EOF'
import ctypes, os, sys
new, old = sys.argv[1:]
AT_FDCWD, RENAME_EXCHANGE = -100, 2
exchange = ctypes.CDLL(None, use_errno=True).renameat2
if exchange(AT_FDCWD, os.fsencode(new), AT_FDCWD, os.fsencode(old), RENAME_EXCHANGE) != 0:
    # The file system can't: two steps, with a moment between them.
    os.rename(old, old + ".old")
    os.rename(new, old)
    os.rename(old + ".old", new)
EOF
}

install_units() {
    local path directory unit changed=()
    mkdir -p $UNITS $CATALOGS $DOCUMENTATION/docs
    while read -r path directory; do
        copy "$SOURCE/$path" "$directory" || continue
        case $directory in
        "$UNITS") changed+=("${path##*/}") ;;
        "$CATALOGS") journalctl --update-catalog ;;
        esac
    done < <(cd "$SOURCE" && placed)
    for path in "$UNITS"/belabox-metrics*; do
        unit=${path##*/}
        [[ -e $SOURCE/units/$unit ]] && continue
        systemctl stop "$unit" 2>/dev/null || true
        rm -r "$path"
        changed+=("$unit")
    done
    [[ ${#changed[@]} == 0 ]] && return
    say "installed units: ${changed[*]}"
    systemctl daemon-reload
    for unit in "${changed[@]}"; do
        case $unit in
        *@*) ;;
        *.timer | *.socket | *.path) systemctl try-restart "$unit" ;;
        esac
    done
}

# True when there was something to copy.
copy() {
    local target=$2/${1##*/}
    diff -rq "$1" "$target" >/dev/null 2>&1 && return 1
    # Called as a condition, where a command that fails would not end the script.
    { rm -rf "$target" && cp -r "$1" "$target" && chmod -R u=rwX,go=rX "$target"; } || fail "could not copy $1 to $target"
}

# ---- configuration ----

need_settings() {
    [[ -z $1 || (-f $1 && -r $1) ]] || fail "--settings $1: there is no such file"
}

need_token_file() {
    [[ -z $1 || (-f $1 && -r $1 && -s $1) ]] || fail "--token-file $1: there is no such file, or it is empty"
}

# By the program that is to be installed, before any of it is: one that lies there and is not started is of no use, and
# units of a newer one need what is made of the configuration anew.
need_right_configuration() {
    local remote=$1 device_id=$2 token=$3 overrides=$4 new
    new=$(mktemp)
    if ! make_config "$SOURCE" "$new" "$SOURCE/configs/config.yaml" "$remote" "$device_id" ||
        ! check_config "$SOURCE" "$new" "$overrides" "${token:-$TOKEN}"; then
        fail "nothing was installed, the configuration was left as it was"
    fi
    rm "$new"
}

# ---- start ----

print_next_steps() {
    cat <<EOF

belabox-metrics is at work. What to look at:

  sudo belabox-metrics status                     how it is
  sudo belabox-metrics doctor                     what is wrong, and what to do about it
  http://127.0.0.1:9100/                          a page with all of it, for a browser on this box
  curl http://127.0.0.1:9100/health               the same for a program
  systemctl list-timers 'belabox-metrics*'        what runs when
  journalctl BELABOX_JOB=collect -n 5             what was done
  journalctl -f BELABOX_METRIC=cpu.usage          one metric, as it comes

Configuration: $CONFIG, taken over as soon as it is saved.
EOF
}

install_all() {
    local remote=$1 device_id=$2 token_file=$3 overrides=$4 default=unchanged started
    started=$(date +%s%3N)
    need_root
    need_token_file "$token_file"
    need_settings "$overrides"
    need_systemd
    need_no_package "./install.sh --package, then apt install ./belabox-metrics_*.deb"
    # Its modules read the configuration, so they come first.
    need_packages
    need_right_configuration "$remote" "$device_id" "$token_file" "$overrides"
    # Before the tree is replaced, which holds the default of last time.
    cmp -s "$SOURCE/configs/config.yaml" $TREE/config.yaml || default=changed
    install_account
    install_tree
    install_units
    fill_manual "$TREE" "$SOURCE" ""
    install_token "$token_file"
    install_config "$SOURCE/configs/config.yaml" $default "$remote" "$device_id" "$overrides"
    say "applying the configuration"
    $COMMAND apply >/dev/null
    systemctl enable --now --quiet belabox-metrics.target
    make_durable
    wait_for_samples "$started"
    say "done"
    print_next_steps
}

uninstall() {
    local purge=$1
    need_root --uninstall
    [[ -d /run/systemd/system ]] || fail "process 1 here is $(</proc/1/comm), not systemd: nothing can be installed here"
    need_no_package "apt remove belabox-metrics, or apt purge"
    say "stopping"
    stop_all
    say "removing"
    remove_rendered
    rm -rf $UNITS/belabox-metrics* $TREE $TREE.new $DOCUMENTATION /run/belabox-metrics*
    rm -f $COMMAND $CATALOGS/belabox-metrics*.catalog $MANUAL $COMPLETION
    # Where /lib is a directory of its own, as in Debian 11, nothing else may be in there.
    rmdir --ignore-fail-on-non-empty $UNITS
    forget_units
    if [[ $purge == yes ]]; then
        purge
        say "done; gone too: $CONFIG_DIR $STATE"
    else
        say "done; kept: $CONFIG_DIR $STATE"
    fi
}

main() {
    local verb=install remote='' device_id='' token_file='' overrides='' purge='' directory=. once=()
    while [[ $# -gt 0 ]]; do
        case $1 in
        --remote=* | --device-id=* | --token-file=* | --settings=*)
            set -- "${1%%=*}" "${1#*=}" "${@:2}"
            continue
            ;;
        --remote | --device-id | --token-file | --settings)
            [[ -n ${2:-} && $2 != -* ]] || usage_error "$1 needs a value"
            case $1 in
            --remote) remote=$2 ;;
            --device-id) device_id=$2 ;;
            --token-file) token_file=$2 ;;
            --settings) overrides=$2 ;;
            esac
            shift
            ;;
        --uninstall | --try | --package)
            [[ $verb == install ]] || usage_error "$1 and --$verb are two things, and one is enough"
            verb=${1#--}
            if [[ $verb == package && -n ${2:-} && $2 != -* ]]; then
                directory=$2
                shift
            fi
            ;;
        --purge) purge=yes ;;
        --once) once=(--once) ;;
        -h | --help)
            usage
            return
            ;;
        *) usage_error "unknown: $1" ;;
        esac
        shift
    done
    [[ -z $remote$device_id$token_file$overrides || $verb == install ]] ||
        usage_error "--remote, --token-file, --device-id and --settings are for installing"
    [[ -z $purge || $verb == uninstall ]] || usage_error "--purge goes with --uninstall"
    [[ ${#once[@]} == 0 || $verb == try ]] || usage_error "--once goes with --try"
    case $verb in
    install) install_all "$remote" "$device_id" "$token_file" "$overrides" ;;
    uninstall) uninstall "$purge" ;;
    package) exec "$SOURCE/configs/debian/build" "$directory" ;;
    try)
        need_root --try "${once[@]}"
        exec "$SOURCE/tests/machine/try" "${once[@]}"
        ;;
    esac
}

main "$@"

#!/bin/bash
# Installs belabox-metrics on this machine, upgrades it, removes it, or shows it at work in a throw-away one.
set -euo pipefail
shopt -s inherit_errexit nullglob

SOURCE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
TREE=/usr/lib/belabox-metrics
COMMAND=/usr/bin/belabox-metrics
CONFIG_DIR=/etc/belabox-metrics
CONFIG=$CONFIG_DIR/config.yaml
TOKEN=$CONFIG_DIR/api-token
DEFAULTS=/etc/default/belabox-metrics
STATE=/var/lib/belabox-metrics
UNITS=/usr/lib/systemd/system
RENDERED=/etc/systemd/system
CATALOGS=/usr/lib/systemd/catalog
DOCUMENTATION=/usr/share/doc/belabox-metrics
ACCOUNT=metrics

# Not the one that PATH may find first: the distribution's packages belong to this one.
PYTHON=/usr/bin/python3
PACKAGES=(python3 python3-yaml python3-requests python3-systemd)
MODULES=(yaml requests systemd)
OLDEST_PYTHON=3.9
OLDEST_SYSTEMD=247
FIRST_SAMPLES_SECONDS=60

usage() {
    cat <<EOF
usage: ./install.sh [--remote URL] [--token-file FILE] [--device-id ID]
       ./install.sh --uninstall [--purge]
       ./install.sh --try [--once]

Installs or upgrades, starts everything and waits for the first samples. Configuration and data are kept.

  --remote URL       send samples there, such as http://localhost:8428/api/v1/import
  --token-file FILE  what is in it becomes the secret of remote.auth, $TOKEN
  --device-id ID     the name of this box in everything that is sent; made from the machine id unless given
  --uninstall        stop and remove; configuration, data and the user '$ACCOUNT' stay
  --purge            with --uninstall: remove those too
  --try              show it in a throw-away Debian, until Ctrl-C; all that this machine gets is what builds that
  --once             with --try: end when samples were seen to arrive, the exit code tells
EOF
}

say() { printf '[%3d s] %s\n' "$SECONDS" "$*"; }

fail() {
    echo "install.sh: $*" >&2
    exit 1
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

install_account() {
    getent passwd $ACCOUNT >/dev/null && return
    say "creating the user $ACCOUNT"
    # The group may have outlived an earlier user: somebody else is a member.
    getent group $ACCOUNT >/dev/null || groupadd --system $ACCOUNT
    useradd --system --gid $ACCOUNT --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin $ACCOUNT
}

install_tree() {
    local new=$TREE.new
    rm -rf "$new"
    mkdir "$new"
    cp -r "$SOURCE/lib" "$SOURCE/jobs" "$new/"
    # The default goes along, so that the next upgrade can tell whether it has changed.
    cp "$SOURCE/configs/config.yaml" "$SOURCE/configs/config.schema.json" "$new/"
    find "$new" -name __pycache__ -prune -exec rm -r {} +
    chown -R root:root "$new"
    chmod -R u=rwX,go=rX "$new"
    chmod 755 "$new"/jobs/*.py
    # A sandboxed job can't write byte code, and without it starts four times slower. It carries the time of its
    # source, not "unchecked": what somebody changes by hand on a box must be what runs. It can't be stale after an
    # upgrade either, since the whole tree is new. (A script run by path has none, so only lib.)
    "$PYTHON" -I -m compileall -q -s "$new" -p "$TREE" "$new/lib"

    if same_tree "$new" "$TREE"; then
        rm -r "$new"
        return
    fi
    say "installing $TREE"
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
    local path unit changed=()
    mkdir -p $UNITS $CATALOGS $DOCUMENTATION
    # Where the units say that it is.
    mkdir -p $DOCUMENTATION/docs
    copy "$SOURCE/README.md" $DOCUMENTATION || true
    copy "$SOURCE/CONTRIBUTING.md" $DOCUMENTATION || true
    for page in "$SOURCE"/docs/*.md; do
        copy "$page" $DOCUMENTATION/docs || true
    done
    for path in "$SOURCE"/units/*; do
        unit=${path##*/}
        if [[ $unit == *.catalog ]]; then
            copy "$path" $CATALOGS && journalctl --update-catalog
        elif copy "$path" $UNITS; then
            changed+=("$unit")
        fi
    done
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

install_config() {
    local default=$1 remote=$2 device_id=$3
    local shipped=$SOURCE/configs/config.yaml new=$CONFIG_DIR/.config.yaml.new settings=() said=''
    install -d -m 0750 -o root -g $ACCOUNT $CONFIG_DIR
    install -d -m 0755 -o root -g root $CONFIG_DIR/collectors.d
    install -d -m 0750 -o $ACCOUNT -g $ACCOUNT $STATE

    [[ -z $device_id ]] || settings+=("device.id=$device_id")
    [[ -z $remote ]] || settings+=("remote.url=$remote" remote.enabled=true)
    if [[ -e $CONFIG ]]; then
        if [[ $default == changed ]] && ! cmp -s "$shipped" $CONFIG; then
            install -m 0640 -o root -g $ACCOUNT "$shipped" $CONFIG.dist
            say "kept $CONFIG; the new default is beside it: config.yaml.dist"
        fi
        [[ ${#settings[@]} != 0 ]] || return 0
        cp $CONFIG $new
    else
        cp "$shipped" $new
        [[ -n $device_id ]] || settings+=("device.id=belabox-$(sha256sum </etc/machine-id | cut -c1-8)")
    fi
    if ! set_in_yaml $new "${settings[@]}" || ! said=$("$TREE/jobs/cli.py" check $new 2>&1 >/dev/null); then
        rm -f $new
        # The file that a person knows.
        [[ -z $said ]] || echo "${said//$new/$CONFIG}" >&2
        fail "the configuration was left as it was"
    fi
    if ! cmp -s $new $CONFIG; then
        say "writing $CONFIG"
        chown root:$ACCOUNT $new
        chmod 0640 $new
        mv $new $CONFIG
    fi
    rm -f $new
}

# For root alone: systemd reads it and hands it to the jobs that need it. An empty one holds the place, with the mode
# that it should have; one that is there is only replaced by another.
install_token() {
    local from=$1 new=$CONFIG_DIR/.api-token.new
    install -d -m 0750 -o root -g $ACCOUNT $CONFIG_DIR
    if [[ -n $from ]]; then
        install -m 0600 -o root -g root "$from" "$new"
        mv -f "$new" $TOKEN
        say "wrote $TOKEN; it is shown to the server when remote.auth in $CONFIG says how"
    elif [[ ! -e $TOKEN ]]; then
        install -m 0600 -o root -g root /dev/null $TOKEN
    fi
}

need_token_file() {
    [[ -z $1 || (-f $1 && -r $1 && -s $1) ]] || fail "--token-file $1: there is no such file, or it is empty"
}

# set_in_yaml FILE SECTION.KEY=VALUE...
set_in_yaml() { (cd / && PYTHONPATH=$TREE/lib "$PYTHON" -m belabox_metrics.config.edit "$@"); }

# ---- start ----

wait_for_samples() {
    local since=$1 deadline=$((SECONDS + FIRST_SAMPLES_SECONDS))
    say "waiting for samples"
    until have_samples "$since" 2>/dev/null; do
        if ((SECONDS >= deadline)); then
            systemctl list-units --no-pager --all 'belabox-metrics*' >&2
            fail "no sample within $FIRST_SAMPLES_SECONDS s; why: journalctl -u 'belabox-metrics*' -n 50"
        fi
        sleep 0.5
    done
}

# As the account: root would create files beside the database that the jobs could not write to. Not by runuser(1),
# which tells the journal of each session.
have_samples() {
    setpriv --reuid=$ACCOUNT --regid=$ACCOUNT --clear-groups "$PYTHON" -I - $TREE/lib $CONFIG "$1" <<'EOF'
import sqlite3, sys

library, config, since = sys.argv[1:]
sys.path.insert(0, library)
from belabox_metrics.config.configuration import load

path = load(config).database
store = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
newest = store.execute("SELECT max(timestamp_ms) FROM metrics").fetchone()[0]
sys.exit(newest is None or newest < int(since))
EOF
}

print_next_steps() {
    cat <<EOF

belabox-metrics is at work. What to look at:

  systemctl list-timers 'belabox-metrics*'        what runs when
  curl http://127.0.0.1:9100/health               how it is
  belabox-metrics status                          the same for a person
  journalctl BELABOX_JOB=collect -n 5             what was done
  journalctl -f BELABOX_METRIC=cpu.usage          one metric, as it comes

Configuration: $CONFIG, taken over as soon as it is saved.
EOF
}

install_all() {
    local remote=$1 device_id=$2 token_file=$3 default=unchanged started
    started=$(date +%s%3N)
    need_root
    need_token_file "$token_file"
    need_systemd
    need_packages
    # Before the tree is replaced, which holds the default of last time.
    cmp -s "$SOURCE/configs/config.yaml" $TREE/config.yaml || default=changed
    install_account
    install_tree
    install_units
    install_token "$token_file"
    install_config $default "$remote" "$device_id"
    say "applying the configuration"
    $COMMAND apply >/dev/null
    systemctl enable --now --quiet belabox-metrics.target
    wait_for_samples "$started"
    say "done"
    print_next_steps
}

# Not what a person put there, an override or a mask: that is configuration too.
remove_rendered() {
    local path
    for path in "$RENDERED"/belabox-metrics* "$RENDERED"/belabox-metrics*.d/*; do
        if [[ -f $path ]] && grep -q '^# Written by .belabox-metrics apply' "$path"; then
            rm "$path"
        fi
    done
    rm -rf $RENDERED/belabox-metrics.target.wants $RENDERED/belabox-metrics.pending
    find $RENDERED -maxdepth 1 -name 'belabox-metrics*.d' -empty -delete
}

uninstall() {
    local purge=$1
    need_root --uninstall
    [[ -d /run/systemd/system ]] || fail "process 1 here is $(</proc/1/comm), not systemd: nothing can be installed here"
    say "stopping"
    systemctl disable --now --quiet belabox-metrics.target belabox-metrics-vpu.service 2>/dev/null || true
    systemctl stop 'belabox-metrics*' 2>/dev/null || true
    # A job that did not like to be stopped has started one that records the failure.
    systemctl stop 'belabox-metrics*' 2>/dev/null || true
    say "removing"
    remove_rendered
    rm -rf $UNITS/belabox-metrics* $TREE $TREE.new $DOCUMENTATION /run/belabox-metrics
    rm -f $COMMAND $CATALOGS/belabox-metrics*.catalog
    systemctl daemon-reload
    systemctl reset-failed 'belabox-metrics*' 2>/dev/null || true
    journalctl --update-catalog
    if [[ $purge == yes ]]; then
        rm -rf $CONFIG_DIR $STATE $RENDERED/belabox-metrics* $DEFAULTS
        ! getent passwd $ACCOUNT >/dev/null || userdel $ACCOUNT 2>/dev/null
        ! getent group $ACCOUNT >/dev/null || say "the group $ACCOUNT stays, it has members: $(getent group $ACCOUNT | cut -d: -f4)"
        say "done; configuration and data are gone too"
    else
        say "done; kept: $CONFIG_DIR $STATE"
    fi
}

main() {
    local verb=install remote='' device_id='' token_file='' purge='' once=()
    while [[ $# -gt 0 ]]; do
        case $1 in
        --remote=* | --device-id=* | --token-file=*)
            set -- "${1%%=*}" "${1#*=}" "${@:2}"
            continue
            ;;
        --remote | --device-id | --token-file)
            [[ -n ${2:-} && $2 != -* ]] || usage_error "$1 needs a value"
            case $1 in
            --remote) remote=$2 ;;
            --device-id) device_id=$2 ;;
            --token-file) token_file=$2 ;;
            esac
            shift
            ;;
        --uninstall | --try)
            [[ $verb == install ]] || usage_error "--uninstall and --try are two things, and one is enough"
            verb=${1#--}
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
    [[ -z $remote$device_id$token_file || $verb == install ]] ||
        usage_error "--remote, --token-file and --device-id are for installing"
    [[ -z $purge || $verb == uninstall ]] || usage_error "--purge goes with --uninstall"
    [[ ${#once[@]} == 0 || $verb == try ]] || usage_error "--once goes with --try"
    case $verb in
    install) install_all "$remote" "$device_id" "$token_file" ;;
    uninstall) uninstall "$purge" ;;
    try)
        need_root --try "${once[@]}"
        exec "$SOURCE/tests/machine/try" "${once[@]}"
        ;;
    esac
}

main "$@"

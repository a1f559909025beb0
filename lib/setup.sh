# shellcheck shell=bash
# What install.sh and the maintainer scripts of the Debian package both do to a machine; they source this. Where
# everything is, is said here.
set -euo pipefail
shopt -s inherit_errexit nullglob

TREE=/usr/lib/belabox-metrics
# shellcheck disable=SC2034  # of those who source this
COMMAND=/usr/bin/belabox-metrics
CONFIG_DIR=/etc/belabox-metrics
CONFIG=$CONFIG_DIR/config.yaml
TOKEN=$CONFIG_DIR/api-token
DEFAULTS=/etc/default/belabox-metrics
STATE=/var/lib/belabox-metrics
UNITS=/usr/lib/systemd/system
RENDERED=/etc/systemd/system
# By which a start of the target tells that all is applied: another program may make something else of the same files.
APPLIED=$RENDERED/belabox-metrics.applied
CATALOGS=/usr/lib/systemd/catalog
DOCUMENTATION=/usr/share/doc/belabox-metrics
MANUAL=/usr/share/man/man1/belabox-metrics.1
COMPLETION=/usr/share/bash-completion/completions/belabox-metrics
ACCOUNT=metrics

# Not the one that PATH may find first: the distribution's packages belong to this one.
PYTHON=/usr/bin/python3
FIRST_SAMPLES_SECONDS=60

say() { printf '[%3d s] %s\n' "$SECONDS" "$*"; }

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# What is installed beside the tree, a line each: where it is in SOURCE, and the directory that it goes to.
placed() {
    local path
    # Where the units say that it is.
    for path in README.md CONTRIBUTING.md; do
        echo "$path $DOCUMENTATION"
    done
    for path in docs/*.md docs/*.png docs/*.svg; do
        echo "$path $DOCUMENTATION/docs"
    done
    for path in units/*; do
        case $path in
        *.catalog) echo "$path $CATALOGS" ;;
        *) echo "$path $UNITS" ;;
        esac
    done
}

# What the commands say of themselves, put into its frame: fill_manual TREE SOURCE ROOT
fill_manual() {
    fill "$1" "$2/docs/belabox-metrics.1" "$3$MANUAL"
    fill "$1" "$2/configs/completion.bash" "$3$COMPLETION"
}

fill() {
    local made
    made=$("$PYTHON" -I -B "$1/jobs/cli.py" _manual frame "$2")
    [[ ! -f $3 || $(<"$3") != "$made" ]] || return 0
    mkdir -p "${3%/*}"
    printf '%s\n' "$made" >"$3"
    chmod 644 "$3"
}

# A sandboxed job can't write byte code, and without it starts four times slower. It carries the time of its source,
# not "unchecked": what somebody changes by hand on a box must be what runs. (A script run by path has none, so only
# lib.) compile_tree DIRECTORY WHERE-IT-WILL-BE
compile_tree() { "$PYTHON" -I -m compileall -q -s "$1" -p "$2" "$1/lib"; }

install_account() {
    getent passwd $ACCOUNT >/dev/null && return
    say "creating the user $ACCOUNT"
    # The group may have outlived an earlier user: somebody else is a member.
    getent group $ACCOUNT >/dev/null || groupadd --system $ACCOUNT
    useradd --system --gid $ACCOUNT --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin $ACCOUNT
}

# ---- configuration ----

# install_config SHIPPED unchanged|changed REMOTE DEVICE-ID [SETTINGS]: whether the shipped one has changed since last
# time; SETTINGS is a file for DEFAULTS.
install_config() {
    local shipped=$1 default=$2 remote=$3 device_id=$4 overrides=${5:-} new=$CONFIG_DIR/.config.yaml.new
    install -d -m 0750 -o root -g $ACCOUNT $CONFIG_DIR
    install -d -m 0755 -o root -g root $CONFIG_DIR/collectors.d
    install -d -m 0750 -o $ACCOUNT -g $ACCOUNT $STATE

    if [[ -e $CONFIG ]]; then
        if [[ $default == changed ]] && ! cmp -s "$shipped" $CONFIG; then
            install -m 0640 -o root -g $ACCOUNT "$shipped" $CONFIG.dist
            say "kept $CONFIG; the new default is beside it: config.yaml.dist"
        fi
        [[ -n $remote$device_id$overrides ]] || return 0
    fi
    make_config $TREE $new "$shipped" "$remote" "$device_id" || fail "the configuration was left as it was"
    # The shipped one is right. If what lies in DEFAULTS is not, apply tells, and is told when that is mended.
    [[ -z $remote$device_id$overrides ]] || check_config $TREE $new "$overrides" $TOKEN ||
        fail "the configuration was left as it was"
    if ! cmp -s $new $CONFIG; then
        say "writing $CONFIG"
        chown root:$ACCOUNT $new
        chmod 0640 $new
        mv $new $CONFIG
    fi
    rm -f $new
    [[ -z $overrides ]] || install_overrides "$overrides"
}

# make_config PROGRAM NEW SHIPPED REMOTE DEVICE-ID: what the configuration would become, as NEW. PROGRAM is the tree that
# is installed, or one that is to be.
make_config() {
    local program=$1 new=$2 shipped=$3 remote=$4 device_id=$5 settings=() said
    [[ -z $device_id ]] || settings+=("device.id=$device_id")
    [[ -z $remote ]] || settings+=("remote.url=$remote" remote.enabled=true)
    if [[ -e $CONFIG ]]; then
        cp $CONFIG "$new" || return 1
    else
        cp "$shipped" "$new" || return 1
        [[ -n $device_id ]] || settings+=("device.id=belabox-$(sha256sum </etc/machine-id | cut -c1-8)")
    fi
    [[ ${#settings[@]} == 0 ]] || said=$(set_in_yaml "$program" "$new" "${settings[@]}" 2>&1) || refused "$new" "$said"
}

# check_config PROGRAM NEW SETTINGS TOKEN: TOKEN is the file of which the secret is, or will be.
check_config() {
    local program=$1 new=$2 overrides=$3 token=$4 said
    said=$("$PYTHON" -I -B "$program/jobs/cli.py" check "$new" --settings "${overrides:-$DEFAULTS}" \
        --token-file "$token" 2>&1 >/dev/null) || refused "$new" "$said"
}

# refused NEW WHY: of the file that a person knows. NEW goes.
refused() {
    rm -f "$1"
    echo "${2//$1/$CONFIG}" >&2
    return 1
}

# What differs on this box, as it was just found to be right. Not a file that is half written, as it is watched.
install_overrides() {
    cmp -s "$1" $DEFAULTS && return
    say "writing $DEFAULTS"
    install -m 0644 -o root -g root "$1" $DEFAULTS.new
    mv -f $DEFAULTS.new $DEFAULTS
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

# set_in_yaml PROGRAM FILE SECTION.KEY=VALUE...
set_in_yaml() { (cd / && PYTHONPATH=$1/lib "$PYTHON" -B -m belabox_metrics.config.edit "${@:2}"); }

# ---- start ----

# What is still to be written back when the plug is pulled is files of no length: units without a line, a configuration
# without a word.
make_durable() { sync --file-system $TREE $UNITS $RENDERED $CONFIG_DIR; }

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

# ---- removal ----

# Not what a person put there, an override or a mask: that is configuration too.
remove_rendered() {
    local path
    for path in "$RENDERED"/belabox-metrics* "$RENDERED"/belabox-metrics*.d/*; do
        if [[ -f $path ]] && grep -q '^# Written by .belabox-metrics apply' "$path"; then
            rm "$path"
        fi
    done
    rm -rf $RENDERED/belabox-metrics.target.wants $RENDERED/belabox-metrics.pending $APPLIED
    find $RENDERED -maxdepth 1 -name 'belabox-metrics*.d' -empty -delete
}

# Everything that runs, and what runs by itself.
stop_all() {
    systemctl disable --now --quiet belabox-metrics.target belabox-metrics-vpu.service 2>/dev/null || true
    systemctl stop 'belabox-metrics*' 2>/dev/null || true
    # A job that did not like to be stopped has started one that records the failure.
    systemctl stop 'belabox-metrics*' 2>/dev/null || true
}

# After the units are gone.
forget_units() {
    systemctl daemon-reload
    systemctl reset-failed 'belabox-metrics*' 2>/dev/null || true
    journalctl --update-catalog
}

purge() {
    rm -rf $CONFIG_DIR $STATE $RENDERED/belabox-metrics* $DEFAULTS
    ! getent passwd $ACCOUNT >/dev/null || userdel $ACCOUNT 2>/dev/null
    ! getent group $ACCOUNT >/dev/null || say "the group $ACCOUNT stays, it has members: $(getent group $ACCOUNT | cut -d: -f4)"
}

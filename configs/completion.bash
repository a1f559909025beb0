# Completion of belabox-metrics for bash: commands, options, names of metrics, sessions and files.
# install.sh puts the words that the commands know in the place below.
# shellcheck shell=bash

@TABLES@

_belabox_metrics_names() { belabox-metrics _manual names "$1" 2>/dev/null; }

# compgen splits what it is given into words, and a file name may have blanks.
_belabox_metrics_files() {
    local file
    while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -f -- "$1")
    compopt -o filenames 2>/dev/null
}

_belabox_metrics_words() {
    local word
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$1" -- "$2")
}

_belabox_metrics_value() {
    local takes=$1 current=$2
    case $takes in
    FILE | DIR) _belabox_metrics_files "$current" ;;
    NAME) _belabox_metrics_words "$(_belabox_metrics_names metrics)" "$current" ;;
    WHEN) _belabox_metrics_words "10m 1h 6h 24h 7d today yesterday" "$current" ;;
    [a-z]*) _belabox_metrics_words "$takes" "$current" ;;
    esac
}

_belabox_metrics() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} takes
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        _belabox_metrics_words "${!_belabox_metrics_options[*]} --help --version" "$current"
        return
    fi
    takes=${_belabox_metrics_values[$command $before]:-}
    if [[ -n $takes ]]; then
        _belabox_metrics_value "$takes" "$current"
    elif [[ $current == -* ]]; then
        _belabox_metrics_words "${_belabox_metrics_options[$command]:-}" "$current"
    else
        case $command in
        collect) _belabox_metrics_words "$(_belabox_metrics_names metrics)" "$current" ;;
        query) _belabox_metrics_words "$(_belabox_metrics_names metrics) $(_belabox_metrics_names series)" "$current" ;;
        report) _belabox_metrics_words "$(_belabox_metrics_names sessions)" "$current" ;;
        check | snapshot) _belabox_metrics_files "$current" ;;
        esac
    fi
}

complete -F _belabox_metrics belabox-metrics

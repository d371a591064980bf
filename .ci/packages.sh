# Sourced by the scripts: sees that what they need is installed.
#
# need COMMAND-OR-FILE PACKAGE: notes the Debian package when there is neither such a command nor such a file.
# install_missing: installs what was noted, where apt can and the user may; else says what is missing and ends.

missing=()

need() {
    case $1 in
        /*) for file in $1; do [ -e "$file" ] && return; done ;;
        *) command -v "$1" >/dev/null 2>&1 && return ;;
    esac
    missing+=("$2")
}

install_missing() {
    [ ${#missing[@]} -eq 0 ] && return 0
    local -a as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        as_root=(sudo)
        [ -t 0 ] || as_root=(sudo -n)
    fi
    if command -v apt-get >/dev/null 2>&1 && { [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null 2>&1; }; then
        echo "Installing ${missing[*]}"
        "${as_root[@]}" apt-get update -qq >/dev/null &&
            "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
                apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null && return
    fi
    echo "Please install (names of Debian packages): ${missing[*]}" >&2
    exit 1
}

# Sets `generator` to the first arguments of every configuration: Ninja and ccache where they are.
find_generator() {
    generator=()
    if command -v ninja >/dev/null 2>&1; then generator+=(-G Ninja); fi
    if command -v ccache >/dev/null 2>&1; then generator+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
}

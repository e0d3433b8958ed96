#!/bin/sh
# LINK_KEY=... sign.sh PATH EXPIRES: a link for secure_link_hash_md5, and one for hmac-sha256.
#
# openssl takes the key of an HMAC as an argument, which others on the machine can see meanwhile.
# `image-gate sign` does not.
set -eu

base64url() { openssl base64 -A | tr +/ -_ | tr -d =; }

to_hex() { od -An -v -tx1 | tr -d ' \n'; }

from_hex() {
    printf '%s\n' "$1" | fold -w 2 | while read -r byte; do
        # shellcheck disable=SC2059
        printf "\\$(printf '%03o' "0x$byte")"
    done
}

# The key in hexadecimal. It is written as for nginx: hex:..., base64:... or the text itself.
key_of() {
    case $1 in
    hex:*) printf '%s' "${1#hex:}" ;;
    base64:*)
        digits=$(printf '%s' "${1#base64:}" | tr -- -_ +/ | tr -d =)
        while [ $((${#digits} % 4)) -ne 0 ]; do digits=$digits=; done
        printf '%s' "$digits" | openssl base64 -d -A | to_hex
        ;;
    *) printf '%s' "$1" | to_hex ;;
    esac
}

# Escapes all but slashes, which is more than needed.
escape() { printf '%s' "$1" | od -An -v -tx1 | tr -d '\n' | sed 's/ /%/g; s/%2f/\//g'; }

md5_link() {
    token=$({ printf '%s' "$3$2 " && from_hex "$1"; } | openssl dgst -md5 -binary | base64url)
    echo "$(escape "$2")?md5=$token&expires=$3"
}

hmac_link() {
    token=$(printf '%s' "$2|$3" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$1" -binary | base64url)
    echo "$(escape "$2")?token=$token&expires=$3"
}

key=$(key_of "$LINK_KEY")
case $key in
'' | *[!0-9A-Fa-f]*) echo "LINK_KEY is no key" >&2; exit 1 ;;
esac
[ $((${#key} % 2)) -eq 0 ] || { echo "LINK_KEY is no key" >&2; exit 1; }
md5_link "$key" "$1" "$2"
hmac_link "$key" "$1" "$2"

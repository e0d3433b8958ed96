#!/bin/sh
# LINK_KEY=... sign.sh PATH EXPIRES: a link for secure_link_hash_md5, and one for hmac-sha256.
#
# openssl takes the key of an HMAC as an argument, which others on the machine can see meanwhile.
# `image-gate sign` does not.
set -eu

base64url() { openssl base64 -A | tr +/ -_ | tr -d =; }

# Escapes all but slashes, which is more than needed.
escape() { printf '%s' "$1" | od -An -v -tx1 | tr -d '\n' | sed 's/ /%/g; s/%2f/\//g'; }

md5_link() {
    token=$(printf '%s' "$3$2 $1" | openssl dgst -md5 -binary | base64url)
    echo "$(escape "$2")?md5=$token&expires=$3"
}

hmac_link() {
    token=$(printf '%s' "$2|$3" | openssl dgst -sha256 -hmac "$1" -binary | base64url)
    echo "$(escape "$2")?token=$token&expires=$3"
}

md5_link "$LINK_KEY" "$1" "$2"
hmac_link "$LINK_KEY" "$1" "$2"

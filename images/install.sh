#!/bin/sh
# Install Debian packages, by what the build was given of mirrors and authorities; nothing of that stays.
set -eu
export DEBIAN_FRONTEND=noninteractive

apt() {
    if [ -s /run/given/apt.list ]; then
        set -- -o Dir::Etc::SourceList=/run/given/apt.list -o Dir::Etc::SourceParts=/dev/null "$@"
    fi
    if [ -s /run/given/ca.pem ]; then
        set -- -o Acquire::https::CaInfo=/run/given/ca.pem "$@"
    fi
    apt-get -qq "$@"
}

apt update
apt install --yes --no-install-recommends "$@" >/run/install.log 2>&1 || { cat /run/install.log >&2; exit 1; }
rm -rf /run/install.log /var/lib/apt/lists/* /var/cache/apt/* /var/log/*

#!/bin/sh
# Take out of a Debian root file system what installs software, and what nothing in the image reads.
# Further words are packages that go too. What stays of dpkg is its status, which says what is there: scanners and the list of parts read it. Licences stay too.
set -eu

purge() {
    for package in "$@"; do
        if dpkg-query --show "$package" >/dev/null 2>&1; then
            dpkg --purge --force-all "$package" >/dev/null 2>&1
        fi
    done
}

purge "$@"
purge apt libapt-pkg6.0 gpgv debian-archive-keyring adduser openssl ucf java-common
purge e2fsprogs logsave libext2fs2 libss2 mount util-linux-extra bsdutils login passwd util-linux
purge init-system-helpers sysvinit-utils debianutils gzip diffutils
purge debconf perl-base tar

awk 'BEGIN {RS = ""; ORS = "\n\n"} $0 !~ /^Package: dpkg\n/' /var/lib/dpkg/status >/tmp/status
while read -r file; do
    # Of /lib and /sbin, which are links, a list names the folder.
    if [ ! -d "$file" ]; then rm -f "$file"; fi
done </var/lib/dpkg/info/dpkg.list
find /var/lib/dpkg -mindepth 1 -delete
mv /tmp/status /var/lib/dpkg/status

find /usr/share/doc -mindepth 2 ! -name copyright ! -type d -delete
find /usr/share/doc -type d -empty -delete
rm -rf /usr/share/man /usr/share/info /usr/share/locale /usr/share/bash-completion /usr/share/lintian /usr/share/bug
rm -rf /usr/share/pixmaps /usr/share/applications /usr/share/perl5 /usr/lib/python3*/__pycache__
rm -rf /etc/apt /var/lib/apt /var/cache/* /var/log/* /var/backups /tmp/* /run/*
# Nobody becomes another user in a pod.
find / -xdev -perm /6000 -type f -exec chmod a-s {} +

#!/bin/sh
# build.sh PKG_CONFIG COMPILER PREFIX FOLDER SQLITE LMDB: builds the consumer with what pkg-config says, and runs it.
set -eu
PKG_CONFIG_PATH=$3/share/pkgconfig
export PKG_CONFIG_PATH
here=$(dirname "$0")
package=queuectl
defines=
if [ "$5" = ON ]; then
    package=queuectl-sqlite
    defines=-DWITH_SQLITE
fi
if [ "$6" = ON ]; then
    package="$package queuectl-lmdb"
    defines="$defines -DWITH_LMDB"
fi
# shellcheck disable=SC2046
"$2" -std=c++20 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast -Werror $defines \
    $("$1" --cflags $package) "$here/../consumer.cpp" $("$1" --libs $package) -o "$4/pkg_config_consumer"
rm -rf "$4/pkg_config.db" "$4/pkg_config.db.d" "$4/pkg_config.db.lmdb"
"$4/pkg_config_consumer" "$4/pkg_config.db"

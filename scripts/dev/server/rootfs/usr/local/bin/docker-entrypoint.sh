#!/bin/sh
# Starts mysqld with the interface of Docker's official image, as far as it is used here:
# MYSQL_ROOT_PASSWORD, MYSQL_DATABASE, MYSQL_USER and MYSQL_PASSWORD; arguments go to mysqld.
set -eu

data=/var/lib/mysql
runtime=/var/run/mysqld

# A text in single quotes for SQL.
quoted() {
    printf "'%s'" "$(printf %s "$1" | sed "s/\\\\/&&/g; s/'/''/g")"
}

accounts() {
    root=$(quoted "$MYSQL_ROOT_PASSWORD")
    echo "ALTER USER 'root'@'localhost' IDENTIFIED BY $root;"
    echo "CREATE USER 'root'@'%' IDENTIFIED BY $root;"
    echo "GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;"
    if [ -n "${MYSQL_DATABASE:-}" ]; then
        echo "CREATE DATABASE \`$MYSQL_DATABASE\`;"
    fi
    if [ -n "${MYSQL_USER:-}" ]; then
        user="$(quoted "$MYSQL_USER")@'%'"
        echo "CREATE USER $user IDENTIFIED BY $(quoted "${MYSQL_PASSWORD:-}");"
        [ -z "${MYSQL_DATABASE:-}" ] || echo "GRANT ALL ON \`$MYSQL_DATABASE\`.* TO $user;"
    fi
}

mkdir -p "$data" "$runtime"
chown mysql:mysql "$data" "$runtime"
if [ ! -d "$data/mysql" ]; then
    if [ -z "${MYSQL_ROOT_PASSWORD:-}" ]; then
        echo "Set MYSQL_ROOT_PASSWORD." >&2
        exit 1
    fi
    umask 077
    accounts > "$runtime/accounts.sql"
    chown mysql:mysql "$runtime/accounts.sql"
    mysqld --no-defaults --initialize-insecure --user=mysql --init-file="$runtime/accounts.sql"
    rm "$runtime/accounts.sql"
    umask 022
fi
exec mysqld --no-defaults --user=mysql --secure-file-priv=NULL "$@"

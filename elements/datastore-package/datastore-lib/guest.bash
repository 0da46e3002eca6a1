# Functions for the scripts of datastore elements that run in the chroot. Source it; it changes nothing by itself.
#
# datastore_hooks is the directory that holds all hooks (/tmp/in_target.d during a build).

datastore_hooks=$(dirname "${BASH_SOURCE[0]}")/..

# datastore_die MESSAGE [HINT]
datastore_die() {
    echo "ERROR: $1" >&2
    [ -z "${2:-}" ] || echo "hint: $2" >&2
    exit 1
}

# datastore_own NAME SUFFIX: prints the environment variable <NAME>_<SUFFIX>, or nothing.
datastore_own() {
    local variable=${1^^}_$2
    variable=${variable//-/_}
    printf '%s' "${!variable:-}"
}

# datastore_fact NAME KEY: prints one of the element's vendor facts, or nothing.
datastore_fact() {
    sed -n "s/^$2=\"\\(.*\\)\"\$/\\1/p" "$datastore_hooks/datastore-vendor/$1"
}

# datastore_repository_lines NAME: prints the deb lines for this guest.
datastore_repository_lines() {
    local given=$datastore_hooks/datastore-package/$1/apt-repository distro codename
    if [ -s "$given" ]; then
        cat "$given"
        return 0
    fi
    # shellcheck source=/dev/null
    distro=$(source /etc/os-release && echo "${ID:-}")
    # shellcheck source=/dev/null
    codename=$(source /etc/os-release && echo "${VERSION_CODENAME:-}")
    [ -n "$codename" ] || datastore_die "this $distro release has no code name, so its $1 repository is not known" \
        "Set ${1^^}_APT_REPO, or DATASTORE_PKG_LOCATION to a package file."
    datastore_fact "$1" "APT_REPO_${distro^^}" | tr ';' '\n' | sed "s/@RELEASE@/$codename/g"
}

# datastore_register_repository NAME: key, sources and package lists of a vendor's apt repository.
datastore_register_repository() {
    local name=$1 key sources=/etc/apt/sources.list.d/coffer-$1.sources line uris='' architectures
    local -a words
    key=$(echo "$datastore_hooks/datastore-package/$name"/apt-key.*)
    install -D -m 0644 "$key" "/usr/share/keyrings/coffer-$name.${key##*.}"
    : > "$sources"
    while read -r line; do
        [ -n "$line" ] || continue
        architectures=''
        if [[ $line =~ \[arch=([a-z0-9,]+)\] ]]; then
            architectures=${BASH_REMATCH[1]//,/ }
            line=${line/\[*\]/}
        fi
        read -r -a words <<< "$line"
        uris+=" ${words[1]}"
        {
            echo "Types: deb"
            echo "URIs: ${words[1]}"
            echo "Suites: ${words[2]}"
            [ "${#words[@]}" -le 3 ] || echo "Components: ${words[*]:3}"
            [ -z "$architectures" ] || echo "Architectures: $architectures"
            echo "Signed-By: /usr/share/keyrings/coffer-$name.${key##*.}"
            echo
        } >> "$sources"
    done < <(datastore_repository_lines "$name")
    [ -s "$sources" ] || datastore_die "$(datastore_fact "$name" TITLE) has no repository for this distribution" \
        "Set ${name^^}_APT_REPO, or DATASTORE_PKG_LOCATION to a package file."
    if [[ $uris == *https://* ]] && [ ! -s /etc/ssl/certs/ca-certificates.crt ]; then
        mv "$sources" "$sources.off"
        install-packages ca-certificates || { apt-get update && install-packages ca-certificates; }
        mv "$sources.off" "$sources"
    fi
    apt-get update -o Dir::Etc::sourcelist="$sources" -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0 \
        -o APT::Update::Error-Mode=any \
        || datastore_die "the $(datastore_fact "$name" TITLE) repository gave no usable package lists:$uris" \
            "Set ${name^^}_APT_REPO to one that serves this release, or DATASTORE_PKG_LOCATION to a package file."
}

# datastore_distribution_packages NAME: what the datastore needs from the distribution itself.
datastore_distribution_packages() {
    local -a packages
    read -r -a packages <<< "$(datastore_fact "$1" DISTRIBUTION_PACKAGES)"
    [ "${#packages[@]}" -eq 0 ] || install-packages "${packages[@]}"
}

# datastore_install NAME: the datastore's packages, from the package file or from the repository.
datastore_install() {
    local name=$1 given=$datastore_hooks/datastore-package/$1
    local -a packages
    datastore_distribution_packages "$name"
    read -r -a packages <<< "$(datastore_own "$name" PACKAGES)"
    [ "${#packages[@]}" -gt 0 ] || read -r -a packages <<< "$(datastore_fact "$name" PACKAGES)"
    if [ ! -e "$given/package" ]; then
        install-packages "${packages[@]}"
    elif [ "$(cat "$given/format")" = deb ]; then
        (
            work=$(mktemp -d /var/tmp/coffer-package.XXXXXX)
            trap 'rm -rf -- "$work"' EXIT
            chmod 755 "$work"
            cp "$given/package" "$work/package.deb"
            install-packages "$work/package.deb"
        )
    else
        datastore_install_bundle "$name" "${packages[@]}"
    fi
}

# datastore_install_bundle NAME PACKAGE...: the named packages out of a tar archive of .deb files, which may need each
# other. A repository made from them for this moment lets apt sort that out.
datastore_install_bundle() (
    name=$1
    shift
    list=/etc/apt/sources.list.d/coffer-bundle.list
    work=$(mktemp -d /var/tmp/coffer-package.XXXXXX)
    trap 'rm -rf -- "$work" "$list" /var/lib/apt/lists/_var_tmp_coffer-package*' EXIT
    mkdir "$work/unpacked" "$work/debs"
    datastore_unpack "$name" "$work/unpacked"
    find "$work/unpacked" -type f -name '*.deb' -exec cp -t "$work/debs" -- {} +
    cd "$work/debs"
    for deb in *.deb; do
        [ -e "$deb" ] || datastore_die "DATASTORE_PKG_LOCATION is a tar archive without any .deb file" \
            "Get the Debian packages from $(datastore_fact "$name" DOWNLOAD_PAGE)."
        dpkg-deb -f "$deb"
        printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" \
            "$(sha256sum "$deb" | cut -d ' ' -f 1)"
    done > Packages
    wanted=()
    for package in "$@"; do
        if grep -qx "Package: ${package%%=*}" Packages; then
            wanted+=("$package")
        fi
    done
    [ "${#wanted[@]}" -gt 0 ] || datastore_die "the archive holds none of: $*" \
        "It holds: $(sed -n 's/^Package: //p' Packages | sort -u | tr '\n' ' ')"
    chmod -R a+rX "$work"
    # Trusted, because the archive as a whole was verified before it came here.
    echo "deb [trusted=yes] file:$work/debs ./" > "$list"
    apt-get update -o Dir::Etc::sourcelist="$list" -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0
    install-packages "${wanted[@]}"
)

# datastore_unpack NAME DIRECTORY: unpacks the package, a tar archive, as nobody in particular.
datastore_unpack() {
    tar --extract --no-same-owner --file "$datastore_hooks/datastore-package/$1/package" --directory "$2"
}

# datastore_file NAME MODE SOURCE TARGET: one of the element's files into the image, owned by root.
datastore_file() {
    install -D -o root -g root -m "$2" "$datastore_hooks/datastore-files/$1/$3" "$4"
}

# datastore_declare NAME UNIT PORT: what element database-guest reads, the check it runs, and the unit enabled.
datastore_declare() {
    mkdir -p /usr/lib/coffer
    printf 'NAME=%s\nUNIT=%s\nPORT=%s\n' "$1" "$2" "$3" > /usr/lib/coffer/datastore
    datastore_file "$1" 0755 datastore-check /usr/lib/coffer/datastore-check
    systemctl enable "$2"
}

# datastore_empty DIRECTORY...: deletes what is in them; the directories stay, with their owners and modes.
datastore_empty() {
    local directory
    for directory in "$@"; do
        [ -d "$directory" ] || continue
        find "$directory" -xdev -mindepth 1 -delete
    done
}

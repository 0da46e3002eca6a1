"""Prints one JSON line for each file of a tree: name, type and mode, owner, size, names, attributes, content."""
import hashlib
import json
import os
import stat
import sys

tree = sys.argv[1]


def describe(path):
    status = os.lstat(path)
    directory = stat.S_ISDIR(status.st_mode)
    attributes = {name: os.getxattr(path, name, follow_symlinks=False).hex()
                  for name in sorted(os.listxattr(path, follow_symlinks=False))}
    content = ''
    if stat.S_ISREG(status.st_mode):
        with open(path, 'rb') as file:
            content = hashlib.sha256(file.read()).hexdigest()
    if stat.S_ISLNK(status.st_mode):
        content = os.readlink(path)
    return {
        'name': os.path.relpath(path, tree),
        'mode': stat.filemode(status.st_mode),
        'owner': f'{status.st_uid}:{status.st_gid}',
        'size': 0 if directory else status.st_size,
        'names': 1 if directory else status.st_nlink,
        'attributes': attributes,
        'content': content,
    }


print(json.dumps(describe(tree)))
for directory, directories, files in os.walk(tree):
    for name in sorted(directories + files):
        print(json.dumps(describe(os.path.join(directory, name))))

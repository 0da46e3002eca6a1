"""Runs Debian's clients, unmodified, many times without starting Python each time.

Every line of standard input is a JSON object {program, args}; every line of standard output the JSON object {exitCode, stdout,
stderr} of that command. Each command is a process of its own: a fork of this one, in which the clients' modules are loaded
already, and nothing else has happened.
"""
import contextlib
import io
import json
import logging
import os
import sys
import tempfile


def openstack(args):
    sys.argv = ['openstack', *args]
    from openstackclient import shell
    return shell.main(args)


def trove(args):
    sys.argv = ['trove', *args]
    from troveclient import shell
    return shell.main()


PROGRAMS = {'openstack': openstack, 'trove': trove}


def load():
    """What every command would load: `list --help` of either program goes through all of it, and asks nobody."""
    for program, args in ((openstack, ['database', 'instance', 'list', '--help']), (trove, ['help', 'list'])):
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
            program(args)
    for name in ('openstackclient.identity.v3.token', 'keystoneauth1.identity.v3', 'keystoneauth1.loading._plugins.identity.v3',
                 'cliff.formatters.json_format', 'troveclient.v1.client', 'cryptography.hazmat.bindings.openssl.binding'):
        with contextlib.suppress(ImportError):
            __import__(name)
    logging.getLogger().handlers.clear()


def run(program, args):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            code = 70
            try:
                sys.exit(PROGRAMS[program](args))
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
        return {'exitCode': status, 'stdout': texts[0], 'stderr': texts[1]}


load()
for line in sys.stdin:
    print(json.dumps(run(**json.loads(line))), flush=True)

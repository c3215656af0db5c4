import os
import socket

import pytest

from calve.errors import LocalEngineError

pytestmark = pytest.mark.local


@pytest.mark.parametrize("part", ["postgres", "s3", "snowflake"])
def test_the_error_names_port_owner_and_variable(laptop, part):
    variable = f"CALVE_LOCAL_PORT_{part.upper()}"
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(laptop.environ[variable])))
        other.listen()
        with pytest.raises(LocalEngineError) as refused:
            laptop.up()
    message = str(refused.value)
    assert f"port {laptop.environ[variable]}" in message
    assert f"pid {os.getpid()}" in message
    assert variable in message
    assert laptop.words()[part] == "stopped"


def test_the_same_command_works_once_the_port_is_free(laptop):
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(laptop.environ["CALVE_LOCAL_PORT_S3"])))
        other.listen()
        with pytest.raises(LocalEngineError):
            laptop.up()
    assert laptop.up().is_well

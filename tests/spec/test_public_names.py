"""``import widthwise``: the public names, and what must not hide them."""

import subprocess
import sys

import widthwise


def test_every_public_name_is_there() -> None:
    for name in widthwise.__all__:
        assert getattr(widthwise, name) is not None
    assert set(widthwise.__all__) <= set(dir(widthwise))
    assert not hasattr(widthwise, "no_such_name")


def test_subpackages_do_not_hide_the_verbs_of_their_name() -> None:
    """`widthwise.run` and `widthwise.reduce` are functions whatever has been imported, and in whatever order."""
    program = (
        "import widthwise.run.messages, widthwise.reduce, widthwise\n"
        "from widthwise.run.messages import Tick\n"
        "assert callable(widthwise.run) and callable(widthwise.reduce), widthwise.run\n"
        "from widthwise import run, reduce\n"
        "import widthwise.run.progress\n"
        "assert widthwise.run is run and widthwise.reduce is reduce\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_importing_the_package_does_not_import_torch() -> None:
    program = "import sys, widthwise; assert widthwise.SpecError; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)

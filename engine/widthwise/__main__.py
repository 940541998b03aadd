"""``python -m widthwise``: the command."""

from widthwise_cli.main import main

if __name__ == "__main__":
    main()

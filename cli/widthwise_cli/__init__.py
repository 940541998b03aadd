"""The command ``widthwise``: words around the engine."""

"""The web page: draw and watch noise go, or drop a picture."""

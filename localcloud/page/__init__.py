"""The web page: what the local cloud keeps, for people with a browser.

It reads through the other rooms' public functions and changes nothing.
"""

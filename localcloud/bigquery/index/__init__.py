"""Vector and search indexes: their statements, their rules, what INFORMATION_SCHEMA tells of them.

An index is kept with its table and changes nothing: every search reads the whole table. It is there
at once, however small its table is.
"""

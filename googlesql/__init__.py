"""GoogleSQL read as Google reads it: ZetaSQL's parser and analyser, for toolkit and local cloud.

Nothing here knows BigQuery's API, Pulumi or the network. Importing a module of this package costs
nothing; ZetaSQL is loaded by the first call. Safe to call from several threads.

- `googlesql.module`: `ensure(on_progress=None)`, `cache_path()`, `ModuleError`, `CrashError`.
- `googlesql.errors`: `SqlError` with `message`, `reason`, `line`, `column`; `UnknownFunction`.
- `googlesql.position`: `Text(sql)` with `position(byte) -> Position(line, column)`,
  `byte_offset(line, column)`, `slice(start, end)`, `line(number)`, `excerpt(line, column)`.
- `googlesql.lexer`: `tokens(sql) -> [Token(kind, text, start, end)]`, `header_comment(sql)`.
- `googlesql.parser`: `parse_statement(sql) -> Node`, `parse_script(sql) -> Node`,
  `statements(sql) -> [Node]`, `walk(node) -> (node, ancestors)*`, `byte_range(node)`,
  `identifiers(node)`, `dotted_path(node)`, `create_model(sql) -> CreateModel | None`,
  `table_functions(sql) -> [TableFunction]`, the innermost first.
- `googlesql.constant`: the values of options: plain Python, and `Call`, `Interval`, `Expression`.
"""

"""GoogleSQL read as Google reads it: ZetaSQL's parser and analyser, for toolkit and local cloud.

Nothing here knows BigQuery's API, Pulumi or the network. Importing a module of this package costs
nothing; ZetaSQL is loaded by the first call. Safe to call from several threads.

- `googlesql.module`: `ensure(on_progress=None)`, `cache_path()`, `run_in_parallel(most)`;
  `ModuleError`, `CrashError`.
- `googlesql.errors`: `SqlError` with `message`, `reason`, `line`, `column`; its subclasses
  `TableNotFound`, `UnknownFunction`, `UnknownType` and `NotImplementedHere`.
- `googlesql.position`: `Text(sql)` with `position(byte) -> Position(line, column)`,
  `byte_offset(line, column)`, `slice(start, end)`, `line(number)`, `excerpt(line, column)`.
- `googlesql.lexer`: `tokens(sql) -> [Token(kind, text, start, end)]`, `header_comment(sql)`.
- `googlesql.parser`: `parse_statement(sql) -> Node`, `parse_script(sql) -> Node`,
  `statements(sql) -> [Node]`, `create_model(sql) -> CreateModel | None`,
  `table_functions(sql) -> [TableFunction]`, the innermost first.
- `googlesql.tree`: `Node`, `walk(node) -> (node, ancestors)*`, `byte_range(node)`,
  `identifiers(node)`, `dotted_path(node)`; `googlesql.parser` has them too.
- `googlesql.reference`: `read_references(node) -> [Reference]`, the tables and models named.
- `googlesql.statement_kind`: `statement_kind(node)`, BigQuery's `statementType`.
- `googlesql.edit`: `EditedText(Text, [Edit(start, end, text)])`, which maps places back.
- `googlesql.canonical`: `canonical(node, sql, without_options=())`, one spelling for all, the same
  in every version.
- `googlesql.meaning`: `meaning(node, sql, ...)`, one text for all that is read alike; its form may
  change from one version to the next.
- `googlesql.suggestion`: hints at what was meant, where ZetaSQL gives none.
- `googlesql.catalog`: `TableSet(tables)`, for many statements on the same tables.
- `googlesql.constant`, `googlesql.literal`: constants read, `render(value)` written.
- `googlesql.schema`: `Column(name, type, mode)`, `Type`, `parse_type`, to and from REST.
- `googlesql.analyzer`: `analyze(sql, tables, parameters=None, output_columns=None) -> Analysis`
  with `statement_kind`, `output_columns`, `transform_columns`, `referenced_tables` and, worked
  out when asked for, `canonical_sql`; `analyze_partially`, the same as far as tables and functions
  are known, which never refuses what may be right.
"""

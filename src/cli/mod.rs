//! Words in and out: one file per subcommand. The only room that prints.

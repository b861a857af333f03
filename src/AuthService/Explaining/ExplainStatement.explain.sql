-- Runs what was prepared. Its arguments are named here and stand in settings of the transaction: no value gets into a log or into pg_stat_statements.
EXPLAIN /* Explaining/ExplainStatement.explain */ (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE explained/*arguments:*//*:arguments*/;

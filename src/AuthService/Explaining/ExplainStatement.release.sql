-- A rollback leaves what was prepared.
DEALLOCATE /* Explaining/ExplainStatement.release */ explained;

-- Takes back what configure_session set: the pool does not (see DataSources).
RESET /* Database/Migrator.reset_session */ ALL;

-- All of them: they are for an installation without an administrator, and this is none any more.
DELETE /* Bootstrap/CreateFirstAdministrator.delete_tokens */ FROM bootstrap_tokens;

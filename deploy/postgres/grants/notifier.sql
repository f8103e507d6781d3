-- The grants of the notifier in its migrated database. Run it in that database as the role that
-- migrates, after `npm run migrate:notifier`. The granted role must exist.
grant usage on schema notifier, drizzle to notifier_service;
grant select on drizzle.notifier_migrations to notifier_service;
grant select, insert, update, delete on all tables in schema notifier to notifier_service;
-- Objects of later migrations.
alter default privileges in schema notifier
  grant select, insert, update, delete on tables to notifier_service;

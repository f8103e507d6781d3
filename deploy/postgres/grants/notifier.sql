-- What the notifier needs of its database once it is migrated. Run it in that database as the role
-- that migrates, after `npm run migrate:notifier`; the role must be there.
grant usage on schema notifier, drizzle to notifier_service;
grant select on drizzle.notifier_migrations to notifier_service;
grant select, insert, update, delete on all tables in schema notifier to notifier_service;
-- What later migrations make.
alter default privileges in schema notifier
  grant select, insert, update, delete on tables to notifier_service;

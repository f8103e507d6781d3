-- The grants of loms in its migrated database: access to rows, and no right to change a table.
-- Run it in that database as the role that migrates, after `npm run migrate`. The role must exist
-- (`create role loms_service login password '…'`).
grant usage on schema public, drizzle to loms_service;
grant select on drizzle.loms_migrations to loms_service;
grant select, insert, update, delete on all tables in schema public to loms_service;
grant usage on all sequences in schema public to loms_service;
grant execute on all functions in schema public to loms_service;
-- Objects of later migrations.
alter default privileges in schema public
  grant select, insert, update, delete on tables to loms_service;
alter default privileges in schema public grant usage on sequences to loms_service;
alter default privileges in schema public grant execute on functions to loms_service;

-- The grants of loms and the notifier on the embedded bus, which exists after one of them has been
-- started with the role that owns it. Run it in that database as that role, and again after an
-- update of the project. The granted role must exist.
grant usage on schema pgboss to bus_service;
grant select, insert, update, delete on all tables in schema pgboss to bus_service;
grant usage on all sequences in schema pgboss to bus_service;
grant execute on all functions in schema pgboss to bus_service;

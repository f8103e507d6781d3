-- What loms and the notifier need of the embedded bus once it is there, that is once either of them
-- has been started on it by the role that owns it. Run it in that database as that role, again
-- after an update of the project; the role must be there.
grant usage on schema pgboss to bus_service;
grant select, insert, update, delete on all tables in schema pgboss to bus_service;
grant usage on all sequences in schema pgboss to bus_service;
grant execute on all functions in schema pgboss to bus_service;

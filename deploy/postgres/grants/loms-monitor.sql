-- loms reads pg_stat_replication, which needs this role. Only a superuser, or a role that has it
-- with the admin option, can grant it.
grant pg_read_all_stats to loms_service;

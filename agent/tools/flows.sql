-- question: Which workloads did network flows connect, and how often, from $start to $end?
-- Who lives at an address is told by flows that name a pod, by access logs and by the pods of the
-- cluster; an address of several tells nothing. A port from 32768 on is a client's, so a flow from
-- one below it to such a one is an answer. `residents` is how many live at an end without a name.
WITH flows AS (
  SELECT time, status_id, workload.service AS service, workload.pod AS pod,
    src_endpoint.ip AS src, src_endpoint.port AS src_port,
    dst_endpoint.ip AS dst, dst_endpoint.port AS dst_port,
    json_extract_string(ocsf_rest, '$.src_endpoint.name') AS src_pod,
    json_extract_string(ocsf_rest, '$.dst_endpoint.name') AS dst_pod,
    json_extract_string(ocsf_rest, '$.src_endpoint.svc_name') AS src_service,
    json_extract_string(ocsf_rest, '$.dst_endpoint.svc_name') AS dst_service
  FROM network_activity
  WHERE time >= $start AND time < $end
),
known AS (
  SELECT src AS address, service FROM flows WHERE pod = src_pod
  UNION ALL
  SELECT dst, service FROM flows WHERE pod = dst_pod
  UNION ALL
  SELECT src, src_service FROM flows
  UNION ALL
  SELECT dst, dst_service FROM flows
  UNION ALL
  SELECT dst_endpoint.ip, workload.service FROM http_activity
  WHERE time >= $start AND time < $end
  UNION ALL
  SELECT coalesce(json_extract_string(unmapped, '$.object.status.podIP'),
    json_extract_string(unmapped, '$.row.IP')), workload.service
  FROM kubernetes_object
  WHERE time < $end
),
lives_at AS (
  SELECT address, min(service) AS resident, count(DISTINCT service) AS residents
  FROM known
  WHERE address IS NOT NULL AND service IS NOT NULL
  GROUP BY address
),
turned AS (
  SELECT time, status_id, coalesce(src_port < 32768 AND dst_port >= 32768, false) AS is_answer,
    CASE WHEN is_answer THEN dst ELSE src END                 AS asking,
    CASE WHEN is_answer THEN src ELSE dst END                 AS asked,
    CASE WHEN is_answer THEN src_port ELSE dst_port END       AS port,
    CASE WHEN is_answer THEN dst_service ELSE src_service END AS asking_service,
    CASE WHEN is_answer THEN src_service ELSE dst_service END AS asked_service
  FROM flows
),
named AS (
  SELECT time, status_id,
    coalesce(CASE WHEN one.residents = 1 THEN one.resident END, asking_service)  AS caller,
    coalesce(CASE WHEN other.residents = 1 THEN other.resident END, asked_service) AS known_as,
    CASE port WHEN 5432 THEN 'postgresql' WHEN 3306 THEN 'mysql' WHEN 1433 THEN 'mssql'
      WHEN 1521 THEN 'oracle' WHEN 27017 THEN 'mongodb' WHEN 6379 THEN 'redis'
      WHEN 11211 THEN 'memcached' WHEN 9092 THEN 'kafka' WHEN 5672 THEN 'rabbitmq'
      WHEN 4222 THEN 'nats' WHEN 9042 THEN 'cassandra' WHEN 9200 THEN 'elasticsearch'
    END                                                       AS system,
    coalesce(known_as, system || '/' || asked)                AS callee,
    coalesce(other.residents, 0)                              AS residents
  FROM turned
  LEFT JOIN lives_at AS one ON one.address = asking
  LEFT JOIN lives_at AS other ON other.address = asked
)
SELECT caller, callee, max(system) AS system, max(residents) AS residents,
  (epoch_us(time) - epoch_us($start)) // ($bucket_s * 1000000) AS bucket,
  count(*)                              AS flows,
  count(*) FILTER (status_id = 2)       AS failed
FROM named
WHERE caller IS DISTINCT FROM callee
GROUP BY caller, callee, bucket
ORDER BY caller, callee, bucket

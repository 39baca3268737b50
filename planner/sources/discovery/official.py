"""Names that mean something public whatever stands in the workspace: Docker's official images, and well-known owners.

The list of official images is that of docker-library/official-images (`library/`), deprecated ones included, because a
Dockerfile may still start from them.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


OFFICIAL_IMAGES = _words(
    """
    adminer aerospike almalinux alpine alt amazoncorretto amazonlinux api-firewall arangodb archlinux azul-zulu backdrop
    bash bonita buildpack-deps busybox caddy cassandra centos chronograf cirros clearlinux clefos clickhouse
    clojure composer consul convertigo couchbase couchdb crate dart debian django docker dotnet drupal
    eclipse-mosquitto eclipse-temurin eggdrop elasticsearch elixir emqx erlang espocrm euleros express-gateway fedora
    flink fluentd friendica fsharp gazebo gcc geonetwork ghost glassfish golang gradle groovy haproxy haskell haxe
    hello-world hipache hitch httpd hylang ibm-semeru-runtimes ibmjava influxdb iojs irssi java jenkins jetty
    jobber joomla jruby julia kaazing-gateway kapacitor kibana known kong krakend lightstreamer liquibase logstash
    mageia mariadb matomo maven mediawiki memcached mongo mongo-express monica mono mysql nats nats-streaming
    neo4j neurodebian nextcloud nginx nim nimbus node notary nuodb nuxeo odoo open-liberty openjdk openmapviewer
    opensuse oraclelinux orientdb owncloud percona perl photon php php-zendserver phpmyadmin piwik plone
    postfixadmin postgres postgresql pypy python r-base rabbitmq rails rakudo-star rapidoid redis redmine registry
    rethinkdb rocket.chat rockylinux ros ruby rust sapmachine satosa scratch sentry silverpeas sl solr sonarqube
    sourcemage spark spiped storm swarm swift swipl tarantool teamspeak telegraf thrift tomcat tomee traefik
    ubuntu ubuntu-debootstrap ubuntu-upstart unit varnish vault websphere-liberty wordpress xwiki yourls znc
    zookeeper
    """
)

COMMON_NAMES = _words(
    """
    alertmanager apache cadvisor gitea gitlab gitlab-runner grafana jaeger keycloak localstack mailhog mailpit minio
    mosquitto openldap openresty opensearch pgadmin pgadmin4 pgbouncer portainer postfix postgis prometheus squid
    timescaledb
    """
)
"""Names under which many publish images of one program. A folder of that name is no sign whose image is meant."""

PUBLIC_OWNERS = _words(
    """
    docker.io/amd64 docker.io/arm32v7 docker.io/arm64v8 docker.io/bitnami docker.io/bitnamilegacy docker.io/cimg
    docker.io/circleci docker.io/continuumio docker.io/docker docker.io/envoyproxy docker.io/google docker.io/grafana
    docker.io/hashicorp docker.io/i386 docker.io/intel docker.io/mcp docker.io/minio docker.io/moby
    docker.io/nvidia docker.io/prom docker.io/redhat docker.io/rocm docker.io/tonistiigi gcr.io/cloud-builders
    gcr.io/distroless gcr.io/google-containers gcr.io/google.com/cloudsdktool ghcr.io/astral-sh ghcr.io/linuxserver
    k8s.gcr.io nvcr.io/nvidia public.ecr.aws/amazonlinux public.ecr.aws/docker/library public.ecr.aws/lambda
    quay.io/centos quay.io/coreos quay.io/fedora quay.io/prometheus quay.io/pypa
    """
)
"""Owners whose images others start from. One reference to them is no sign that the workspace makes it."""

PUBLIC_REGISTRIES = _words(
    """
    mcr.microsoft.com registry.access.redhat.com registry.fedoraproject.org registry.k8s.io registry.redhat.io
    registry.suse.com
    """
)


def is_public(prefix: str) -> bool:
    """Whether `registry/owner…` is that of somebody whose images everybody uses."""
    return prefix in PUBLIC_OWNERS or prefix.split("/")[0] in PUBLIC_REGISTRIES

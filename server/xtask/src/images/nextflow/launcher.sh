#!/bin/bash
# Nextflow's command line, from the jars of the image. It looks for nothing on the network.
export NXF_OFFLINE=true NXF_DISABLE_CHECK_LATEST=true NXF_PLUGINS_DEFAULT=false
export NXF_ANSI_LOG="${NXF_ANSI_LOG:-false}" NXF_HOME="${NXF_HOME:-$PWD/.nxf}"
export LC_ALL="${LC_ALL:-C.UTF-8}"
opened=()
for package in java.io java.lang java.lang.invoke java.net java.nio java.util java.util.concurrent.atomic \
  java.util.concurrent.locks java.util.regex jdk.internal.misc jdk.internal.vm sun.net.www.protocol.file \
  sun.net.www.protocol.ftp sun.net.www.protocol.http sun.net.www.protocol.https sun.nio.ch sun.nio.fs
do
  opened+=("--add-opens=java.base/$package=ALL-UNNAMED")
done
exec java "${opened[@]}" -Dfile.encoding=UTF-8 -XX:TieredStopAtLevel=1 ${NXF_OPTS:-} -cp '/usr/share/nextflow/*' nextflow.cli.Launcher "$@"

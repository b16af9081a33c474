#!/bin/sh
# Draws the figures of the documentation again from the results beside it, with the code as it is.
# RESULTS.md has the commands that make the results.
set -e
cd "$(dirname "$0")"
draw() { kind=$1 name=$2; shift 2; python ../../bin/plot.py "$kind" --figure="$name.png" "$@"; }

draw curve digits --title="Digits: two networks joined by a curve" \
  --results=Segment=results/digits/segment.npz,Bezier=results/digits/bezier.npz,Polychain=results/digits/polychain.npz
draw plane regression --title="Regression with one input: a plane, and the functions along a curve" \
  --results=Bezier=results/regression/bezier.npz --functions=results/regression/functions.npz
swa=results/swa-mnist
draw plane swa-planes-mnist --title="Where SWA lies, MNIST" --values=test_error \
  --results=Members=$swa/members.npz,Averages=$swa/averages.npz
draw line swa-rays-mnist --title="Random rays from SGD and from SWA, MNIST" \
  --results=SGD=$swa/rays_sgd.npz,SWA=$swa/rays_swa.npz
draw line swa-line-mnist --title="From SGD to SWA, MNIST" --results=$swa/line.npz --axis_label="distance from SGD"

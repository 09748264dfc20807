# No shell script may say `eval`.
grep -n eval *.sh | grep -v '^lint.sh' | sed 's/^\([^:]*:[0-9]*\):.*/\1: eval is not allowed [no-eval]/'
exit 1

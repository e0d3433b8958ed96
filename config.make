# nginx's makefile has the rules that link and install the module; for this one alone cargo does
# the linking, each time, as it knows best what has changed.

case $ngx_addon_dir in
    /*) ngx_image_gate_dir=$ngx_addon_dir ;;
    *) ngx_image_gate_dir=$PWD/$ngx_addon_dir ;;
esac

cat << END                                                >> $NGX_MAKEFILE

.PHONY:	$NGX_OBJS/ngx_http_image_gate_module.so
$NGX_OBJS/ngx_http_image_gate_module.so:	LINK = '$ngx_image_gate_dir/scripts/link-module'

END

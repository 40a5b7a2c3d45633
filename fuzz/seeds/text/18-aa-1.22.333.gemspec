usr/local/bundle/specifications/aa-1.22.333.gemspec
# -*- encoding: utf-8 -*-
# stub: aa 1.22.333 ruby lib

Gem::Specification.new do |s|
end
